// What a step of a stage is made of, as pure arithmetic: which pictures, how many, from which index on.
#pragma once

#include <cstdint>

#include "train/checkpoint/checkpoint.h"
#include "train/recipe/recipe.h"

namespace moonbeam::train {

struct StepPlan {
  bool windows = false;     ///< one-object windows; else full scenes
  bool own = false;         ///< one's own pictures, with full scenes among them
  std::uint64_t first = 0;  ///< index of the first picture
  int count = 0;
  bool operator==(const StepPlan&) const = default;
};

/// The step `ahead` steps after the one that `state` stands before, if nothing changes until then.
StepPlan plan_step(const Stage& stage, const RunState& state, std::uint64_t ahead);

/// What rank `rank` of `size` takes of it: neighbours, as equal parts as can be.
StepPlan part_of(const StepPlan& plan, int rank, int size);

/// Things drawn from: the stage's class list, as wide as it has become.
int classes_of(const Stage& stage, const RunState& state);

/// How far the stage is, 0 to 1.
double progress_of(const Stage& stage, const RunState& state);

/// The stage has windows, and from now on full scenes between them.
bool mixes_now(const Stage& stage, const RunState& state);

/// Counts the step that `plan` is of.
void advance(RunState& state, const StepPlan& plan, double seconds);

}  // namespace moonbeam::train
