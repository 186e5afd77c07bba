#include "data/scenes/mentions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "data/scenes/words.h"

namespace moonbeam::data {

namespace {

constexpr std::size_t kMostWords = 5;  // of a noun

/// Lower-case words; inner marks ("jack-o-lantern", "o'clock") stay, commas and full stops become words of
/// their own, so that no noun reaches across them.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        c == '-' || c == '\'' || static_cast<unsigned char>(c) >= 0x80;
    if (letter) {
      word += lowered(c);
    } else {
      end_word();
      if (c != ' ') words.emplace_back(1, c);
    }
  }
  end_word();
  return words;
}

/// Label of the longest noun at words[at], and how many words it has.
std::optional<std::pair<int, std::size_t>> noun_at(const std::vector<std::string>& words, std::size_t at,
                                                   const LabelTable& labels) {
  std::optional<std::pair<int, std::size_t>> best;
  std::string noun;
  for (std::size_t n = 1; n <= kMostWords && at + n <= words.size(); ++n) {
    noun += (n > 1 ? " " : "") + words[at + n - 1];
    if (const std::optional<int> label = labels.find(noun)) best = {*label, n};
  }
  return best;
}

}  // namespace

std::optional<int> read_number(std::string_view word) {
  constexpr std::array<std::string_view, 21> kWords = {
      "zero",     "one",     "two",     "three",     "four",     "five",     "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
  const std::string lower = lowered(word);
  if (lower == "no" || lower == "none") return 0;
  const auto at = std::find(kWords.begin(), kWords.end(), lower);
  if (at != kWords.end()) return static_cast<int>(at - kWords.begin());
  int value = 0;
  const auto parsed = std::from_chars(lower.data(), lower.data() + lower.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != lower.data() + lower.size()) return std::nullopt;
  return value >= 0 && value <= 20 ? std::optional<int>(value) : std::nullopt;
}

std::vector<Mention> mentions(std::string_view text, const LabelTable& labels) {
  const std::vector<std::string> words = words_of(text);
  std::vector<Mention> out;
  Mention next;
  for (std::size_t at = 0; at < words.size();) {
    const std::optional<Colour> colour = find_colour(words[at]);
    // "an orange star" has a colour, "an orange" a fruit.
    if (colour && noun_at(words, at + 1, labels)) {
      next.colour = colour;
      ++at;
    } else if (const auto noun = noun_at(words, at, labels)) {
      next.label = noun->first;
      out.push_back(next);
      next = {};
      at += noun->second;
    } else {
      const std::optional<int> number = read_number(words[at]);
      if (number) {
        next = {.count = *number};
      } else if (words[at] != "small" && words[at] != "large") {
        next = {};
      }
      ++at;
    }
  }
  return out;
}

}  // namespace moonbeam::data
