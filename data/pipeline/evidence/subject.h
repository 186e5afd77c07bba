// What claims are about, and which things of the sheet that is.
#pragma once

#include <string>
#include <vector>

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/lexicon.h"

namespace moonbeam::pipeline {

/// "a red star" is the noun "star" in red.
struct Subject {
  std::string noun, colour = {};
};
Subject subject_of(const std::string& phrase, const Lexicon& lexicon);

struct Things {
  std::vector<const SheetObject*> of_noun;  ///< of any colour
  std::vector<const SheetObject*> all;      ///< of the colour too; those whose colour is not clear left out
  int unclear = 0;                          ///< whose colour is not clear
  /// Found under its own name; else the sheet's name is wider ("dog" for a puppy) or narrower ("dog" for an
  /// animal).
  bool exact = false;
};
Things things_of(const Sheet& sheet, const Subject& subject, const Lexicon& lexicon);

/// Whether a list of classes holds the noun under one of its names.
bool holds(const std::vector<std::string>& classes, const std::string& noun, const Lexicon& lexicon);

/// The absence of a bird cannot be concluded where a duck may be: wider names of `noun` that no box bears
/// leave Sheet::exhaustive.
void forbid_absence(Sheet& sheet, const std::string& noun, const Lexicon& lexicon);

/// Equal for claims that say the same in other words: type, noun and colour, predicate, object.
std::string content_of(const Claim& claim, const Lexicon& lexicon);

}  // namespace moonbeam::pipeline
