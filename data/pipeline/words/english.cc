#include "data/pipeline/words/english.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "data/scenes/labels.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::array<std::string_view, 21> kNumbers = {
    "zero",     "one",     "two",     "three",     "four",     "five",     "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
constexpr int kMostInWords = 12;

constexpr std::string_view kFunctionWords[] = {
    // articles, pronouns, pointing words
    "a", "an", "the", "this", "that", "these", "those", "it", "its", "he", "she", "they", "them", "his",
    "her", "their", "we", "us", "our", "you", "your", "i", "my", "me", "one's", "who", "whom", "whose",
    "which", "what", "some", "any", "each", "every", "both", "all", "other", "another", "such", "there",
    "here", "itself", "himself", "herself", "themselves", "someone", "something", "it's", "there's", "that's",
    "everything", "anything",
    // auxiliaries
    "is", "are", "was", "were", "be", "been", "being", "am", "has", "have", "had", "having", "do", "does",
    "did", "can", "could", "will", "would", "shall", "should", "may", "might", "must",
    // prepositions, conjunctions
    "of", "in", "on", "at", "to", "from", "by", "with", "for", "into", "onto", "over", "under", "above",
    "below", "behind", "beside", "besides", "between", "among", "through", "across", "along", "around",
    "near", "next", "off", "out", "up", "down", "about", "against", "within", "upon", "towards", "toward",
    "as", "than", "and", "or", "but", "if", "so", "while", "when", "where", "because", "then", "also", "too",
    "very", "just", "only", "not", "no", "yes", "nor", "how", "why", "during", "inside", "outside"};

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Inside a word alone: "don't", "t-shirt".
bool joins(std::string_view text, std::size_t at) {
  return (text[at] == '\'' || text[at] == '-') && at > 0 && is_word_byte(text[at - 1]) &&
         at + 1 < text.size() && is_word_byte(text[at + 1]);
}

}  // namespace

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> out;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_word_byte(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < text.size() && (is_word_byte(text[i]) || joins(text, i))) ++i;
    out.push_back({lower(text.substr(begin, i - begin)), begin, i});
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::vector<std::string> sentences_of(std::string_view text) {
  std::vector<std::string> out;
  std::size_t start = 0;
  const auto close = [&](std::size_t end) {
    const std::size_t first = text.find_first_not_of(" \t\r\n", start);
    if (first < end) {
      const std::size_t last = text.find_last_not_of(" \t\r\n", end - 1);
      out.emplace_back(text.substr(first, last + 1 - first));
    }
    start = end;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '.' && text[i] != '!' && text[i] != '?') continue;
    std::size_t end = i + 1;
    while (end < text.size() && std::string_view(".!?\"')").find(text[end]) != std::string_view::npos) ++end;
    // "3.5" and "e.g. a cup" go on.
    const bool space = end >= text.size() || text[end] == ' ' || text[end] == '\n';
    const bool initial = i >= 1 && is_word_byte(text[i - 1]) && (i < 2 || !is_word_byte(text[i - 2])) &&
                         text[i] == '.' && end < text.size() && (i >= 2 && text[i - 2] == '.');
    if (space && !initial) close(end);
    i = end - 1;
  }
  close(text.size());
  return out;
}

bool is_function_word(std::string_view word) {
  static const std::unordered_set<std::string_view> words(std::begin(kFunctionWords),
                                                          std::end(kFunctionWords));
  return words.contains(word);
}

bool is_picture_word(std::string_view noun) {
  static const std::unordered_set<std::string_view> words = {
      "background", "foreground", "image",  "picture", "photo",  "photograph", "view",   "side",
      "corner",     "top",        "bottom", "left",    "right",  "middle",     "center", "centre",
      "drawing",    "scene",      "front",  "back",    "thing",  "object",     "item",   "part",
      "pair",       "group",      "number", "color",   "colour", "shape"};
  return words.contains(noun);
}

std::set<std::string> content_words(std::string_view text) {
  std::set<std::string> out;
  for (Word& word : words_of(text)) {
    if (!is_function_word(word.text)) out.insert(std::move(word.text));
  }
  return out;
}

std::optional<std::string> colour_of(std::string_view word) {
  const std::string small = lower(word);
  const auto colour = data::find_colour(small == "grey" ? "gray" : small);
  if (!colour) return std::nullopt;
  return std::string(data::name(*colour));
}

std::optional<int> number_of(std::string_view word) {
  const std::string small = lower(word);
  const auto found = std::find(kNumbers.begin(), kNumbers.end(), small);
  if (found != kNumbers.end()) return static_cast<int>(found - kNumbers.begin());
  if (small.empty() || small.size() > 2) return std::nullopt;
  int value = 0;
  for (const char c : small) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value <= 20 ? std::optional<int>(value) : std::nullopt;
}

std::string number_word(int number) {
  return number >= 0 && number <= kMostInWords ? std::string(kNumbers[static_cast<std::size_t>(number)])
                                               : std::to_string(number);
}

std::string with_article(std::string_view noun) {
  const std::string small = lower(noun);
  const auto starts = [&](std::string_view head) { return small.starts_with(head); };
  // By the sound: a unicorn, a European, an hourglass.
  const bool spoken_you = starts("uni") || starts("use") || starts("eu") || starts("ute") || starts("one-");
  const bool silent = starts("hour") || starts("honest") || starts("heir");
  const bool vowel =
      !small.empty() && std::string_view("aeiou").find(small.front()) != std::string_view::npos;
  const bool un = starts("unim") || starts("unin");  // "an uninflated ball"
  return ((vowel && (!spoken_you || un)) || silent ? "an " : "a ") + std::string(noun);
}

}  // namespace moonbeam::pipeline
