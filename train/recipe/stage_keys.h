// Keys of a [stage.NAME] section.
#pragma once

#include "train/recipe/recipe.h"

namespace moonbeam::train {

/// Keeps what the section does not name. @throws Error kInvalidArgument naming the line.
void read_stage_keys(KeySection& keys, Stage& stage);
/// What must hold of a whole stage. @param lora  the run has adapters. @throws Error kInvalidArgument.
void check_stage(const KeySection& keys, const Stage& stage, bool lora);

}  // namespace moonbeam::train
