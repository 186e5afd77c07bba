// The stages of a run, in their order, with the thresholds of its recipe.
#pragma once

#include <memory>
#include <vector>

#include "data/pipeline/run/recipe.h"
#include "data/pipeline/stage/stage.h"

namespace moonbeam::pipeline {

/// S0 to S12, what works on one picture or within a chunk. @throws Error kInvalidArgument (a bad threshold).
std::vector<std::unique_ptr<Stage>> make_stages(RunRecipe& recipe);

}  // namespace moonbeam::pipeline
