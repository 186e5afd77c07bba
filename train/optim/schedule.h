// Rates over a stage.
#pragma once

#include <array>
#include <cstdint>

#include "train/recipe/recipe.h"

namespace moonbeam::train {

/// Up to the peak in the stage's warm-up, down in a line to its end.
/// @param step      of the stage, from 0
/// @param progress  of the stage, 0 to 1
double rate_at(const Stage& stage, std::int64_t step, double progress);

/// The rate times each group's factor.
std::array<double, kGroups> rates_at(const Stage& stage, std::int64_t step, double progress);

}  // namespace moonbeam::train
