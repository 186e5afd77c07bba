#include "data/pipeline/writing/agree.h"

#include "base/text.h"
#include "data/pipeline/words/english.h"

namespace moonbeam::pipeline {

namespace {

bool says_nothing(std::string_view text) {
  const std::string answer = normal_answer(text);
  return answer.empty() || answer == "unknown" || answer == "i don't know" || answer == "i can't tell" ||
         answer == "i cannot tell" || answer == "unanswerable";
}

std::set<std::string> telling_words(std::string_view text) {
  std::set<std::string> out;
  for (const Word& word : words_of(normal_answer(text))) {
    if (!is_function_word(word.text) || word.text == "no" || word.text == "yes" || word.text == "not") {
      out.insert(word.text);
    }
  }
  out.merge(way_words(text));
  // Where in the picture says nothing of the picture.
  for (const char* frame : {"picture", "image", "side", "corner", "inside", "on"}) out.erase(frame);
  return out;
}

}  // namespace

std::string normal_answer(std::string_view answer) {
  std::string out;
  for (const Word& word : words_of(answer)) {
    if (word.text == "a" || word.text == "an" || word.text == "the") continue;
    const auto number = number_of(word.text);
    const auto colour = colour_of(word.text);
    const std::string text = number ? base::cat(*number) : colour ? *colour : word.text;
    out += (out.empty() ? "" : " ") + text;
  }
  return out == "none" ? "0" : out;
}

Agreement agreement(std::string_view expected, std::string_view got, const Rules& rules) {
  if (normal_answer(expected) == normal_answer(got)) return Agreement::kSame;
  const auto refuses = [&](std::string_view text) {
    return rules.denies(text) || rules.declines(text) || says_nothing(text);
  };
  if (refuses(expected) && words_of(expected).size() > 1)
    return refuses(got) ? Agreement::kSame : Agreement::kOther;
  if (says_nothing(got) || rules.declines(got)) return Agreement::kUnknown;
  if (telling_words(expected) == telling_words(got) && !telling_words(got).empty()) return Agreement::kSame;
  const std::vector<Word> words = words_of(got);  // "Yes, there is."
  const std::string plain = normal_answer(expected);
  if ((plain == "yes" || plain == "no") && !words.empty() && words[0].text == plain) return Agreement::kSame;
  return Agreement::kOther;
}

}  // namespace moonbeam::pipeline
