// Rules for every sentence that is trained on, checked by code: no words about how it came to be, no first
// person, no hedges, no moods, no names, nothing that the facts do not hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/stage/prompts.h"
#include "data/pipeline/writing/facts.h"

namespace moonbeam::pipeline {

/// A list of phrases, found as words in a text.
class Phrases {
 public:
  explicit Phrases(const std::vector<std::string>& lines);
  bool in(std::string_view text) const;
  bool begin(std::string_view text) const;  ///< the text begins with one of them

 private:
  std::vector<std::vector<std::string>> phrases_;
};

class Rules {
 public:
  explicit Rules(const Prompts& prompts);

  /// Why the text may not be trained on: "meta", "person", "hedge", "mood", "name", "loop", "language",
  /// "control", "empty"; "" where it may. What stands in quotes is the picture's.
  std::string fault(std::string_view text, const Facts& facts) const;
  /// It begins as too many do (E8).
  bool banned_opening(std::string_view text) const { return openings_.begin(text); }
  /// Something is said not to be there.
  bool denies(std::string_view text) const { return denials_.in(text); }
  /// Something cannot be told from a picture.
  bool declines(std::string_view text) const { return declines_.in(text); }
  /// "noun ladder", "colour red", "number 3": what the facts do not hold; "" where they hold all of it.
  /// `also`: a noun that may be named though it is not there.
  std::string unsupported(std::string_view text, const Facts& facts, std::string_view also = {}) const;

 private:
  Phrases meta_, person_, hedges_, moods_, openings_, denials_, declines_, frame_;
};

/// Text without what stands in double quotes.
std::string outside_quotes(std::string_view text);
/// A run of four words three times.
bool loops(std::string_view text);
/// Words of a place: "top", "left"; "center" is "middle", "upper" is "top".
std::set<std::string> place_words(std::string_view text);
/// Words of where one thing is to another: "left", "above"; "over" is "above".
std::set<std::string> way_words(std::string_view text);

}  // namespace moonbeam::pipeline
