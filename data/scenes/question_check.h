// Recomputes an answer from the truth by reading the question's own words: shares no code with what wrote it.
#pragma once

#include <string>

#include "data/scenes/questions.h"

namespace moonbeam::data {

/// "" if the answer is right and the question fair, else what is wrong. For questions without noise.
std::string find_fault(const Question& question, const Scene& scene, const LabelTable& labels);

}  // namespace moonbeam::data
