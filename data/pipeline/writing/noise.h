// What users do to a question: capitals, marks, typing errors (data.md 4.9).
#pragma once

#include <string>
#include <vector>

#include "data/pipeline/words/lexicon.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {

inline constexpr const char* kNoiseProfiles[] = {"clean", "lower", "lower_first", "no_mark",
                                                 "typos", "upper", "telegraphic"};

/// The question as such a user writes it. `spared`: texts whose words decide the answer; typing errors keep
/// away from them, from nouns, colours, numbers and places, and never make such a word of another.
std::string with_noise(const std::string& question, const std::string& profile,
                       const std::vector<std::string>& spared, const Lexicon& lexicon, data::Stream& draws);

}  // namespace moonbeam::pipeline
