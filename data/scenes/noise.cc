#include "data/scenes/noise.h"

#include <algorithm>
#include <array>
#include <vector>

#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr double kNoisy = 0.3;
constexpr std::array<std::string_view, 6> kProfiles = {"lower", "lower-first", "no-mark",
                                                       "typo",  "upper",       "telegraphic"};
constexpr std::array<float, 6> kWeights = {15, 8, 12, 8, 1, 1};

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
bool letter(char c) {
  return lowered(c) >= 'a' && lowered(c) <= 'z';
}

struct Word {
  std::size_t begin, size;
};
std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && letter(text[end])) ++end;
    if (end > i) words.push_back({i, end - i});
    i = std::max(end, i + 1);
  }
  return words;
}

bool decides(std::string_view word, std::string_view deciding) {
  const std::string all = lowered(deciding), one = lowered(word);
  for (const Word& other : words_of(all)) {
    if (std::string_view(all).substr(other.begin, other.size) == one) return true;
  }
  return false;
}

char neighbour(char c, Stream& stream) {
  constexpr std::array<std::string_view, 3> kRows = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};
  for (const std::string_view row : kRows) {
    const std::size_t at = row.find(lowered(c));
    if (at == std::string_view::npos) continue;
    if (at == 0) return row[1];
    if (at + 1 == row.size()) return row[at - 1];
    return stream.chance(0.5) ? row[at - 1] : row[at + 1];
  }
  return c;
}

bool one_typo(std::string& text, std::string_view deciding, Stream& stream) {
  std::vector<Word> words;
  for (const Word& word : words_of(text)) {
    if (word.size > 2 && !decides(std::string_view(text).substr(word.begin, word.size), deciding))
      words.push_back(word);
  }
  if (words.empty()) return false;
  const Word word = words[stream.below(static_cast<std::uint32_t>(words.size()))];
  const std::size_t at = word.begin + 1 + stream.below(static_cast<std::uint32_t>(word.size - 1));
  switch (stream.below(4)) {
    case 0:
      text[at] = neighbour(text[at], stream);
      break;
    case 1:
      text.erase(at, 1);
      break;
    case 2:
      std::swap(text[at - 1], text[at]);
      break;
    default:
      text.insert(at, 1, text[at]);
  }
  return true;
}

std::string telegraphic(const std::string& text) {
  constexpr std::array<std::string_view, 9> kDropped = {"is", "are", "there", "the", "a",
                                                        "an", "do",  "does",  "some"};
  std::string out;
  std::size_t from = 0;
  for (const Word& word : words_of(text)) {
    const std::string one = lowered(std::string_view(text).substr(word.begin, word.size));
    if (std::find(kDropped.begin(), kDropped.end(), one) == kDropped.end()) continue;
    out.append(text, from, word.begin - from);
    from = word.begin + word.size;
    if (from < text.size() && text[from] == ' ') ++from;
  }
  return out.append(text, from, std::string::npos);
}

}  // namespace

std::string add_user_noise(std::string& text, std::string_view deciding, Stream& stream) {
  if (text.empty() || !stream.chance(kNoisy)) return {};
  const std::string_view profile = kProfiles[static_cast<std::size_t>(stream.weighted(kWeights))];
  if (profile == "lower") {
    text = lowered(text);
  } else if (profile == "lower-first") {
    text[0] = lowered(text[0]);
  } else if (profile == "no-mark") {
    // The question's own mark: an instruction may follow it.
    const std::size_t mark = std::min(text.find_first_of("?."), text.size() - 1);
    if (text[mark] == '?' || text[mark] == '.') text.erase(mark, 1);
  } else if (profile == "typo") {
    const int edits = stream.chance(0.7) ? 1 : 2;
    for (int i = 0; i < edits; ++i) {
      if (one_typo(text, deciding, stream)) continue;
      if (i == 0) return {};
      break;  // the first one stands
    }
  } else if (profile == "upper") {
    std::transform(text.begin(), text.end(), text.begin(), upper);
  } else {
    text = telegraphic(text);
  }
  return std::string(profile);
}

std::string add_noun_noise(std::string& noun, Stream& stream) {
  if (noun.empty() || !stream.chance(kNoisy)) return {};
  if (stream.chance(0.8)) {
    noun[0] = upper(noun[0]);
    return "upper-first";
  }
  std::transform(noun.begin(), noun.end(), noun.begin(), upper);
  return "upper";
}

}  // namespace moonbeam::data
