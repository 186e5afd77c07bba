// What a model's free text means: yes or no, a number, a refusal. Both a word and a sentence are read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/scenes/mentions.h"

namespace moonbeam::eval {

/// The first word of the answer: "Yes.", "no", "Yes, there is a dog."; none for anything else, which counts
/// as wrong (the strict mode of data.md 3.5, with a sentence allowed behind the word).
std::optional<bool> read_yes_no(std::string_view answer);

/// The first word that is a number: "3", "Three.", "There are no cups." (0); none if there is none.
std::optional<int> read_count(std::string_view answer);

/// One of "left", "right", "above", "below": the first that stands in the answer; empty if none does.
std::string read_side(std::string_view answer);

/// Whether `colour` is one of the answer's words: "The credit card is red." names red, "reddish" does not.
bool names_colour(std::string_view answer, std::string_view colour);

/// Things that the answer says are there, in its order: "no cat" and "0 cats" name none.
std::vector<data::Mention> seen_things(std::string_view answer, const data::LabelTable& labels);

/// "There is no elephant.", "There are no scissors in the picture."
bool is_refusal(std::string_view answer);

}  // namespace moonbeam::eval
