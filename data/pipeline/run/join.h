// All that annotation files say of a picture, brought together.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "data/pipeline/record/record.h"
#include "data/pipeline/run/recipe.h"

namespace moonbeam::pipeline {

/// Calls use() for each picture by rising key; lists in it are sorted, so that files whose records stand in
/// another order give the same. Memory is bounded, temporary files are of about the annotations' size.
/// @return bad records by reason, and what belongs to no picture
std::map<std::string, std::int64_t> join_inputs(const RunInputs& inputs,
                                                const std::function<void(Input&)>& use);

}  // namespace moonbeam::pipeline
