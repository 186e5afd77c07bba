#include "eval/metrics/answers.h"

#include <algorithm>

#include "data/scenes/words.h"

namespace moonbeam::eval {

namespace {

/// Lower-case runs of letters and digits.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    const char low = data::lowered(c);
    if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9')) {
      word += low;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

}  // namespace

std::optional<bool> read_yes_no(std::string_view answer) {
  const std::vector<std::string> words = words_of(answer);
  if (words.empty() || (words[0] != "yes" && words[0] != "no")) return std::nullopt;
  return words[0] == "yes";
}

std::optional<int> read_count(std::string_view answer) {
  for (const std::string& word : words_of(answer)) {
    if (const std::optional<int> number = data::read_number(word)) return number;
  }
  return std::nullopt;
}

std::string read_side(std::string_view answer) {
  for (const std::string& word : words_of(answer)) {
    if (word == "left" || word == "right" || word == "above" || word == "below") return word;
  }
  return {};
}

bool names_colour(std::string_view answer, std::string_view colour) {
  const std::vector<std::string> words = words_of(answer);
  return std::find(words.begin(), words.end(), colour) != words.end();
}

std::vector<data::Mention> seen_things(std::string_view answer, const data::LabelTable& labels) {
  std::vector<data::Mention> things = data::mentions(answer, labels);
  std::erase_if(things, [](const data::Mention& one) { return one.count == 0; });
  return things;
}

bool is_refusal(std::string_view answer) {
  const std::vector<std::string> words = words_of(answer);
  return words.size() >= 4 && words[0] == "there" && (words[1] == "is" || words[1] == "are") &&
         words[2] == "no";
}

}  // namespace moonbeam::eval
