#include "data/pipeline/evidence/repair_check.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

/// What people say around what they see; a repair may leave it out.
bool is_filler(const std::string& word) {
  static const std::unordered_set<std::string> words = {
      "um",      "uh",       "okay", "ok",        "like",       "see",   "sea",    "image", "picture",
      "photo",   "view",     "seen", "observe",   "shows",      "shown", "look",   "looks", "looking",
      "visible", "actually", "well", "basically", "photograph", "find",  "notice", "kind",  "sort"};
  return words.contains(word);
}

/// "dogs" is "dog": number is no loss, since counts are checked by themselves.
std::string stem(const std::string& word, const Lexicon& lexicon) {
  return lexicon.is_noun(word) ? lexicon.singular(word) : word;
}

std::set<std::string> said(const std::string& text, const Lexicon& lexicon) {
  std::set<std::string> out;
  for (const std::string& word : content_words(text)) {
    if (!is_filler(word)) out.insert(stem(word, lexicon));
  }
  return out;
}

int negations(const std::string& text) {
  int out = 0;
  for (const Word& word : words_of(text)) {
    const std::string& one = word.text;
    if (one == "no" || one == "not" || one == "without" || one == "never" || one == "none" || one == "nor" ||
        one == "nothing" || one.ends_with("n't")) {
      ++out;
    }
  }
  return out;
}

std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t k = 0; k <= b.size(); ++k) row[k] = k;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t before = row[0];
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t kept = row[k];
      row[k] = std::min({row[k] + 1, row[k - 1] + 1, before + (a[i - 1] == b[k - 1] ? 0 : 1)});
      before = kept;
    }
  }
  return row[b.size()];
}

/// A slip of the ear or of the fingers, not another word.
bool near(const std::string& from, const std::string& to) {
  if (sound_of(from) == sound_of(to)) return true;
  return distance(from, to) <= (std::min(from.size(), to.size()) >= 6 ? 2U : 1U);
}

bool is_near_pair(const std::string& from, const std::string& to) {
  const std::vector<Word> before = words_of(from), after = words_of(to);
  if (before.empty() || after.empty()) return false;
  if (before.size() != after.size()) {  // "sail boat" to "sailboat"
    std::string a, b;
    for (const Word& one : before) a += one.text;
    for (const Word& one : after) b += one.text;
    return near(a, b);
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].text != after[i].text && !near(before[i].text, after[i].text)) return false;
  }
  return true;
}

bool stands_in(const std::string& text, const std::string& phrase) {
  return text.find(phrase) != std::string::npos;
}

}  // namespace

std::string sound_of(const std::string& word) {
  std::string out;
  const auto at = [&](std::size_t i) { return i < word.size() ? word[i] : '\0'; };
  for (std::size_t i = 0; i < word.size(); ++i) {
    char c = word[i];
    if (i == 0 && ((c == 'w' && at(1) == 'r') || (c == 'k' && at(1) == 'n'))) continue;  // write, knight
    if (c == 'g' && at(i + 1) == 'h') {                                                  // right
      ++i;
      continue;
    }
    if (c == 'p' && at(i + 1) == 'h') c = 'f';
    if (c == 'q' || (c == 'c' && at(i + 1) != 'e' && at(i + 1) != 'i')) c = 'k';
    if (c == 'c' || c == 'z') c = 's';
    if (c == 'h' && i > 0) continue;
    if (c == 'w' && i > 0) continue;
    if (std::string_view("aeiouy'-").find(c) != std::string_view::npos) {
      if (i == 0) out += 'a';
      continue;
    }
    if (out.empty() || out.back() != c) out += c;
  }
  return out;
}

std::string repair_fault(const std::string& raw, const std::string& text, const Changes& changed,
                         const Lexicon& lexicon, const RepairSettings& settings) {
  if (words_of(text).empty()) return "empty";
  if (negations(raw) != negations(text)) return "negation";
  const std::string small_raw = lower(raw), small_text = lower(text);
  std::set<std::string> mended, meant;  // words that stand in changes
  for (const auto& [from, to] : changed) {
    const std::string a = lower(from), b = lower(to);
    if (!stands_in(small_raw, a) || !stands_in(small_text, b) || !is_near_pair(a, b)) continue;
    for (const Word& word : words_of(a)) mended.insert(stem(word.text, lexicon));
    for (const Word& word : words_of(b)) meant.insert(stem(word.text, lexicon));
  }
  std::multiset<std::string> raw_words;
  std::set<std::string> numbers;
  for (const Word& word : words_of(raw)) {
    raw_words.insert(stem(word.text, lexicon));
    if (const auto number = number_of(word.text)) numbers.insert(std::to_string(*number));
  }
  std::size_t added = 0;
  const std::set<std::string> after = said(text, lexicon), before = said(raw, lexicon);
  for (const Word& word : words_of(text)) {
    const std::string one = stem(word.text, lexicon);
    if (raw_words.contains(one) || meant.contains(one)) continue;
    if (const auto number = number_of(word.text); number && !numbers.contains(std::to_string(*number))) {
      return "new-number";
    }
    if (colour_of(word.text)) return "new-colour";
    if (lexicon.is_concrete(word.text)) return "new-noun";
    if (after.contains(one)) ++added;
  }
  const auto kept =
      static_cast<double>(std::count_if(before.begin(), before.end(), [&](const std::string& one) {
        return after.contains(one) || mended.contains(one);
      }));
  if (!before.empty() && kept < settings.overlap * static_cast<double>(before.size())) return "lost-words";
  if (static_cast<double>(added) > (1 - settings.overlap) * static_cast<double>(after.size()))
    return "new-words";
  return "";
}

}  // namespace moonbeam::pipeline
