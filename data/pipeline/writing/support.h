// Whether a claim that was read out of a caption is one of the facts.
#pragma once

#include "data/pipeline/writing/facts.h"

namespace moonbeam::pipeline {

/// Ids of the facts that bear it out; none: nothing does.
std::vector<std::string> bearing(const Json& claim, const Facts& facts);

}  // namespace moonbeam::pipeline
