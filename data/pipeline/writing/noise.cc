#include "data/pipeline/writing/noise.h"

#include <algorithm>
#include <array>

#include "data/pipeline/words/english.h"
#include "data/pipeline/writing/rules.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::array<std::string_view, 3> kRows = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

bool decides(const std::string& word, const Lexicon& lexicon) {
  return lexicon.is_noun(word) || colour_of(word) || number_of(word) || !place_words(word).empty() ||
         !way_words(word).empty() || word == "no" || word == "not" || word == "or" || word == "and";
}

char beside(char key, data::Stream& draws) {
  for (const std::string_view row : kRows) {
    const std::size_t at = row.find(key);
    if (at == std::string_view::npos) continue;
    const bool left = at + 1 == row.size() || (at > 0 && draws.chance(.5));
    return row[left ? at - 1 : at + 1];
  }
  return key;
}

/// Adjacent key, dropped, exchanged, doubled; not the first letter.
std::string mistyped(const std::string& word, data::Stream& draws) {
  std::string out = word;
  const std::size_t at = 1 + draws.below(static_cast<std::uint32_t>(word.size() - 2));
  switch (draws.below(4)) {
    case 0:
      out[at] = beside(out[at], draws);
      break;
    case 1:
      out.erase(at, 1);
      break;
    case 2:
      std::swap(out[at], out[at + 1]);
      break;
    default:
      out.insert(at, 1, out[at]);
  }
  return out;
}

bool plain_letters(const std::string& word) {
  for (const char c : word) {
    if (c < 'a' || c > 'z') return false;
  }
  return true;
}

std::string with_typos(const std::string& question, const std::vector<std::string>& spared,
                       const Lexicon& lexicon, data::Stream& draws) {
  std::string out = question;
  const int edits = draws.between(1, 2);
  for (int i = 0; i < edits; ++i) {
    std::vector<Word> able;
    for (const Word& word : words_of(out)) {
      bool free = word.text.size() >= 3 && plain_letters(word.text) && !decides(word.text, lexicon);
      for (const std::string& text : spared) free = free && !has_words(text, word.text);
      if (free) able.push_back(word);
    }
    if (able.empty()) break;
    const Word& word = able[draws.below(static_cast<std::uint32_t>(able.size()))];
    const std::string written = out.substr(word.begin, word.end - word.begin),
                      wrong = mistyped(written, draws);
    if (wrong == written || decides(lower(wrong), lexicon)) continue;
    out.replace(word.begin, word.end - word.begin, wrong);
  }
  return out;
}

std::string telegraphic(const std::string& question) {
  constexpr std::array<std::string_view, 13> kLeftOut = {"a",  "an",   "the", "is",  "are",   "was", "were",
                                                         "do", "does", "did", "can", "could", "has"};
  std::string out;
  std::size_t copied = 0;
  for (const Word& word : words_of(question)) {
    if (std::find(kLeftOut.begin(), kLeftOut.end(), word.text) == kLeftOut.end()) continue;
    out += question.substr(copied, word.begin - copied);
    copied = word.end;
    while (copied < question.size() && question[copied] == ' ') ++copied;
  }
  return out + question.substr(copied);
}

}  // namespace

std::string with_noise(const std::string& question, const std::string& profile,
                       const std::vector<std::string>& spared, const Lexicon& lexicon, data::Stream& draws) {
  if (profile == "lower") return lower(question);
  if (profile == "upper") return upper(question);
  if (profile == "typos") return with_typos(question, spared, lexicon, draws);
  if (profile == "telegraphic") return telegraphic(question);
  std::string out = question;
  if (profile == "lower_first" && !out.empty()) out[0] = lower(out.substr(0, 1))[0];
  if (profile == "no_mark" && out.ends_with("?")) out.pop_back();
  return out;
}

}  // namespace moonbeam::pipeline
