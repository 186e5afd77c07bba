// What a vision model is asked about a claim: a neutral question, and one that is negated or swapped. A model
// that says yes to everything contradicts itself (data.md 4.5, check c).
#pragma once

#include <string>

#include "data/pipeline/record/record.h"
#include "data/pipeline/words/lexicon.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {

struct SightQuestions {
  std::string neutral, swapped;
  std::string colour = {},
              other = {};  ///< of a question for a colour: what is claimed, and what is swapped in
};
SightQuestions questions_about(const Claim& claim, const Lexicon& lexicon, data::Stream& draws);

/// supported, contradicted; unknown where the answers do not go together.
std::string seen(const SightQuestions& asked, const std::string& neutral, const std::string& swapped);
/// Yes to both: a model that agrees with whatever it is asked.
bool agrees_with_both(const std::string& neutral, const std::string& swapped);

/// "the man is holding an umbrella": a claim as a clause.
std::string clause_of(const Claim& claim, const Lexicon& lexicon);

}  // namespace moonbeam::pipeline
