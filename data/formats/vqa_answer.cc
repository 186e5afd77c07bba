#include "data/formats/vqa_answer.h"

#include <array>
#include <initializer_list>
#include <vector>

namespace moonbeam::data {

namespace {

constexpr std::string_view kMarks = ";/[]\"{}()=+\\_-><@`,?!";
constexpr int kMostPeriods = 32;  // the reference passes a flag where the count stands

using Words = std::initializer_list<std::string_view>;
using Map = std::map<std::string, std::string, std::less<>>;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// stem + from -> stem + to, for each stem.
void add_all(Map& map, Words stems, Words from, std::string_view to) {
  for (const std::string_view stem : stems) {
    for (const std::string_view end : from) {
      map.emplace(std::string(stem) + std::string(end), std::string(stem) + std::string(to));
    }
  }
}

Map make_contractions() {
  Map map;
  add_all(map, {"ai",    "are",  "ca",   "could", "did", "does",   "do",  "had",  "has", "have", "is",
                "might", "must", "need", "ought", "sha", "should", "was", "were", "wo",  "would"},
          {"nt"}, "n't");
  add_all(
      map,
      {"could", "might", "must", "should", "would", "not", "I", "they", "we", "what", "where", "who", "you"},
      {"ve"}, "'ve");
  add_all(map, {"he", "how", "it", "someone", "something", "there", "they", "where", "who", "you"}, {"d"},
          "'d");
  add_all(map, {"how", "it", "somebody", "someone", "something", "they", "what", "who", "why", "you"}, {"ll"},
          "'ll");
  add_all(map, {"he", "how", "somebody", "someone", "that", "there", "what", "when", "where", "who", "why"},
          {"s"}, "'s");
  add_all(map, {"there", "they", "what", "why", "you"}, {"re"}, "'re");
  add_all(map, {"could", "had", "might", "should", "would"}, {"nt've", "n'tve"}, "n't've");
  add_all(map,
          {"he", "I", "it", "she", "somebody", "someone", "something", "there", "they", "we", "who", "you"},
          {"d've", "'dve"}, "'d've");
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Im", "I'm"},
                                                                  {"let's", "let's"},
                                                                  {"she's", "she's"},
                                                                  {"maam", "ma'am"},
                                                                  {"oclock", "o'clock"},
                                                                  {"ow's'at", "'ow's'at"},
                                                                  {"'ows'at", "'ow's'at"},
                                                                  {"'ow'sat", "'ow's'at"},
                                                                  {"somebody'd", "somebodyd"},
                                                                  {"twas", "'twas"},
                                                                  {"yall", "y'all"},
                                                                  {"yall'll", "y'all'll"},
                                                                  {"y'allll", "y'all'll"},
                                                                  {"yall'd've", "y'all'd've"},
                                                                  {"y'alld've", "y'all'd've"},
                                                                  {"y'all'dve", "y'all'd've"}}) {
    map.emplace(from, to);
  }
  return map;
}

bool has_digit_comma_digit(std::string_view text) {
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == ',' && is_digit(text[i - 1]) && is_digit(text[i + 1])) return true;
  }
  return false;
}

/// Whether a mark goes without a trace is asked of the text as it came, not of what earlier marks left.
std::string without_marks(std::string_view text) {
  const bool number = has_digit_comma_digit(text);
  std::string out(text);
  for (const char mark : kMarks) {
    const bool beside_space = text.find(std::string{mark, ' '}) != std::string_view::npos ||
                              text.find(std::string{' ', mark}) != std::string_view::npos;
    std::string next;
    for (const char c : out) {
      if (c != mark) {
        next += c;
      } else if (!number && !beside_space) {
        next += ' ';
      }
    }
    out = std::move(next);
  }
  return out;
}

std::string without_periods(std::string_view text) {
  std::string out;
  int removed = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool before_digit = i + 1 < text.size() && is_digit(text[i + 1]);
    if (text[i] == '.' && !before_digit && removed < kMostPeriods) {
      ++removed;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string plain_words(std::string_view text) {
  static const Map kNumbers = {{"none", "0"},  {"zero", "0"},  {"one", "1"},  {"two", "2"},
                               {"three", "3"}, {"four", "4"},  {"five", "5"}, {"six", "6"},
                               {"seven", "7"}, {"eight", "8"}, {"nine", "9"}, {"ten", "10"}};
  std::string out;
  const std::string low = lowered(std::string(text));
  for (std::size_t at = 0; at < low.size();) {
    if (is_space(low[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < low.size() && !is_space(low[end])) ++end;
    std::string word = low.substr(at, end - at);
    at = end;
    if (const auto number = kNumbers.find(word); number != kNumbers.end()) word = number->second;
    if (word == "a" || word == "an" || word == "the") continue;
    if (const auto found = contractions().find(word); found != contractions().end()) word = found->second;
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

}  // namespace

const Map& contractions() {
  static const Map map = make_contractions();
  return map;
}

std::string trimmed_answer(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  std::size_t begin = 0, end = out.size();
  while (begin < end && is_space(out[begin])) ++begin;
  while (end > begin && is_space(out[end - 1])) --end;
  return out.substr(begin, end - begin);
}

std::string normalised_answer(std::string_view text) {
  return plain_words(without_periods(without_marks(trimmed_answer(text))));
}

std::string normalised_answer_evalai(std::string_view text) {
  std::string out;
  const std::string low = lowered(std::string(text));
  for (std::size_t i = 0; i < low.size(); ++i) {
    if (low[i] == ',' || low[i] == '?') continue;
    // What stood between ' and s is gone by then.
    if (low[i] == 's' && !out.empty() && out.back() == '\'') {
      out.back() = ' ';
      out += '\'';
    }
    out += low[i];
  }
  return plain_words(without_periods(without_marks(trimmed_answer(out))));
}

}  // namespace moonbeam::data
