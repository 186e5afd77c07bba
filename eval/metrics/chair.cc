#include "eval/metrics/chair.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "data/formats/byte_source.h"
#include "data/scenes/words.h"

namespace moonbeam::eval {

namespace {

constexpr std::size_t kLongestLine = 1 << 16;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? data::lowered(text[i]) : ' ';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0) {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char mark) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t end = text.find(mark);
    if (const std::string_view part = text.substr(0, end); !part.empty() && part != "-")
      out.emplace_back(part);
    else if (mark == '\t')
      out.emplace_back();
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string joined(const std::vector<std::string>& words, std::size_t at, std::size_t count) {
  std::string out;
  for (std::size_t i = at; i < at + count; ++i) out += (i > at ? " " : "") + words[i];
  return out;
}

/// "benches", "puppies", "buses": by the rules alone; irregular ones stand in the table.
std::string plural_of(const std::string& word) {
  const auto ends = [&](std::string_view end) { return word.ends_with(end); };
  if (ends("man")) return word.substr(0, word.size() - 2) + "en";
  if (ends("child")) return word + "ren";
  if (ends("knife") || ends("wife")) return word.substr(0, word.size() - 2) + "ves";
  if (ends("calf") || ends("loaf")) return word.substr(0, word.size() - 1) + "ves";
  if (ends("s") || ends("x") || ends("ch") || ends("sh")) return word + "es";
  const bool vowel =
      word.size() > 1 && std::string_view("aeiou").find(word[word.size() - 2]) != std::string_view::npos;
  if (ends("y") && !vowel) return word.substr(0, word.size() - 1) + "ies";
  return word + "s";
}

bool is_animal(const std::string& name) {
  constexpr std::string_view kAnimals[] = {"bird", "cat",      "dog",  "horse", "sheep",
                                           "cow",  "elephant", "bear", "zebra", "giraffe"};
  return std::find(std::begin(kAnimals), std::end(kAnimals), name) != std::end(kAnimals);
}

}  // namespace

ChairVocabulary ChairVocabulary::load(const std::string& path) {
  ChairVocabulary out;
  data::ByteSource source(path);
  std::string line;
  bool whole = true, header = true;
  for (std::size_t number = 1; source.read_line(line, kLongestLine, whole); ++number) {
    if (line.empty() || line[0] == '#') continue;
    const std::vector<std::string> columns = split(line, '\t');
    if (columns.size() < 4) {
      base::fail(ErrorCode::kCorrupt, source.name(), ":", number,
                 ": expected noun, plural, synonyms and kinds");
    }
    if (!header) {
      std::vector<std::string> words = split(columns[2], ',');
      const std::vector<std::string> kinds = split(columns[3], ',');
      words.insert(words.end(), kinds.begin(), kinds.end());
      out.add(columns[0], words, columns[1]);
    }
    header = false;
  }
  return out;
}

void ChairVocabulary::add_word(const std::string& word, const std::string& name) {
  const std::vector<std::string> words = words_of(word);
  if (words.empty()) return;
  classes_.emplace(joined(words, 0, words.size()), name);  // the first that claims a word has it
  longest_ = std::max(longest_, words.size());
}

void ChairVocabulary::add(const std::string& name, const std::vector<std::string>& words,
                          const std::string& plural) {
  add_word(name, name);
  add_word(plural.empty() ? plural_of(name) : plural, name);
  for (const std::string& word : words) {
    add_word(word, name);
    add_word(plural_of(word), name);
  }
  if (is_animal(name)) {
    for (const std::string& word : {"baby " + name, "adult " + name}) {
      add_word(word, name);
      add_word(plural_of(word), name);
    }
  }
  if (name == "airplane" || name == "train") {
    const std::string seat = name == "train" ? "passenger train" : "passenger jet";
    add_word(seat, name);
    add_word(plural_of(seat), name);
  }
  if (name == "tie") add_word("bow tie", name);
  if (name == "toilet") add_word("toilet seat", name);
}

std::vector<std::string> ChairVocabulary::mentions(std::string_view caption) const {
  const std::vector<std::string> words = words_of(caption);
  const bool toilet = std::find(words.begin(), words.end(), "toilet") != words.end();
  std::vector<std::string> out;
  for (std::size_t at = 0; at < words.size();) {
    std::size_t taken = 1;
    for (std::size_t count = std::min(longest_, words.size() - at); count > 0; --count) {
      const auto found = classes_.find(joined(words, at, count));
      if (found == classes_.end()) continue;
      taken = count;
      // The seat of a toilet is no seat of a chair.
      if (!(toilet && found->first == "seat")) out.push_back(found->second);
      break;
    }
    at += taken;
  }
  return out;
}

ChairScores chair(std::span<const ChairPicture> pictures, const ChairVocabulary& vocabulary) {
  ChairScores out;
  double mentions = 0, wrong = 0, captions_wrong = 0, there = 0, named = 0, words = 0;
  for (const ChairPicture& picture : pictures) {
    std::set<std::string> gold(picture.objects.begin(), picture.objects.end());
    for (const std::string& reference : picture.references) {
      for (const std::string& one : vocabulary.mentions(reference)) gold.insert(one);
    }
    std::set<std::string> said;
    bool any = false;
    for (const std::string& one : vocabulary.mentions(picture.caption)) {
      ++mentions;
      said.insert(one);
      if (gold.contains(one)) continue;
      ++wrong;
      any = true;
    }
    captions_wrong += any;
    there += static_cast<double>(gold.size());
    for (const std::string& one : gold) named += said.contains(one);
    words += static_cast<double>(words_of(picture.caption).size());
  }
  const auto count = static_cast<double>(pictures.size());
  if (mentions > 0) out.of_mentions = wrong / mentions;
  if (there > 0) out.recall = named / there;
  if (count > 0) {
    out.of_captions = captions_wrong / count;
    out.length = words / count;
  }
  return out;
}

}  // namespace moonbeam::eval
