// Several candidates are written for one thing, and the one that is least like what the chunk has had so far
// stays (E6). In the order of the pictures, so that it does not depend on who works when.
#pragma once

#include <span>
#include <string>

#include "data/pipeline/record/record.h"

namespace moonbeam::pipeline {

/// Captions of one length that models wrote: all but one of a picture are dropped as "S6/other-candidate".
void choose_captions(std::span<Record*> chunk);
/// Pairs of one type that came of different calls: those of all calls but one are dropped. Of a call that
/// gave more pairs the pairs stay, of equally many those that are least like earlier ones.
/// @param stage  whose pairs: "S7", "S8"
void choose_pairs(std::span<Record*> chunk, const std::string& stage);

}  // namespace moonbeam::pipeline
