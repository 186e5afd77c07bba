// Whether a repaired text still says what the raw one said: by code, since the model that repaired it is no
// judge.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/pipeline/words/lexicon.h"

namespace moonbeam::pipeline {

struct RepairSettings {
  double overlap = 0.7;  ///< of content words, either way
};

using Changes = std::vector<std::pair<std::string, std::string>>;  ///< from, to

/// "" or why not: "empty", "lost-words", "new-words", "new-noun", "new-colour", "new-number", "negation".
std::string repair_fault(const std::string& raw, const std::string& text, const Changes& changed,
                         const Lexicon& lexicon, const RepairSettings& settings);

/// What a word sounds like, roughly: "quay" and "key", "flour" and "flower" are equal.
std::string sound_of(const std::string& word);

}  // namespace moonbeam::pipeline
