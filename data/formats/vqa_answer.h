// Short answers as VQAv2's scorer compares them (data.md 3.1): marks, articles, numbers and contractions do
// not matter. What it does oddly it does here too, or scores would not be those of others.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace moonbeam::data {

/// "The Red, Car" and "red car" are one; "two" is "2".
std::string normalised_answer(std::string_view text);

/// The same as EvalAI's servers do it (TextVQA, VizWiz): commas and question marks go first, "dog's" becomes
/// two words.
std::string normalised_answer_evalai(std::string_view text);

/// "dont" to "don't"; 120 of them. Those with a capital letter are never met: the text is in lower case by
/// then.
const std::map<std::string, std::string, std::less<>>& contractions();

/// Without whitespace at its ends, newlines and tabs as spaces: all that is done to answers that ten people
/// gave alike.
std::string trimmed_answer(std::string_view text);

}  // namespace moonbeam::data
