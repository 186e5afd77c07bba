#include "train/loop/plan.h"

#include <algorithm>

namespace moonbeam::train {

namespace {

// Steps of full scenes among the steps before `step`: every second one from `mixed_from` on.
std::int64_t scene_steps(std::int64_t mixed_from, std::int64_t step) {
  return mixed_from < 0 || step <= mixed_from ? 0 : (step - mixed_from) / 2;
}

}  // namespace

StepPlan plan_step(const Stage& stage, const RunState& state, std::uint64_t ahead) {
  const auto steps = static_cast<std::int64_t>(ahead);
  const std::uint64_t pictures_ahead = ahead * static_cast<std::uint64_t>(stage.batch);
  if (stage.pictures == Stage::Pictures::kOwn) {
    return {.own = true, .first = state.next_own + pictures_ahead, .count = stage.batch};
  }
  if (stage.pictures == Stage::Pictures::kScenes) {
    return {.first = state.next_scene + pictures_ahead, .count = stage.batch};
  }
  const std::int64_t step = state.stage_step + steps;
  const std::int64_t scenes =
      scene_steps(state.mixed_from, step) - scene_steps(state.mixed_from, state.stage_step);
  if (scene_steps(state.mixed_from, step + 1) > scene_steps(state.mixed_from, step)) {
    return {.first = state.next_scene + static_cast<std::uint64_t>(scenes * stage.scene_batch),
            .count = stage.scene_batch};
  }
  return {.windows = true,
          .first = state.next_window + static_cast<std::uint64_t>((steps - scenes) * stage.batch),
          .count = stage.batch};
}

StepPlan part_of(const StepPlan& plan, int rank, int size) {
  const auto begin = [&](int part) { return static_cast<int>(std::int64_t{plan.count} * part / size); };
  StepPlan part = plan;
  part.first += static_cast<std::uint64_t>(begin(rank));
  part.count = begin(rank + 1) - begin(rank);
  return part;
}

int classes_of(const Stage& stage, const RunState& state) {
  return state.widened == 0 ? stage.classes : stage.widen[static_cast<std::size_t>(state.widened - 1)];
}

double progress_of(const Stage& stage, const RunState& state) {
  double done = static_cast<double>(state.stage_step);
  if (stage.length == Stage::Length::kScenes) done *= stage.batch;
  if (stage.length == Stage::Length::kMinutes) done = state.stage_seconds / 60;
  return std::min(1.0, done / stage.amount);
}

bool mixes_now(const Stage& stage, const RunState& state) {
  return stage.pictures == Stage::Pictures::kWindows && state.mixed_from < 0 && stage.scenes_from < 1 &&
         progress_of(stage, state) >= stage.scenes_from;
}

void advance(RunState& state, const StepPlan& plan, double seconds) {
  ++state.step;
  ++state.stage_step;
  std::uint64_t& cursor = plan.own ? state.next_own : plan.windows ? state.next_window : state.next_scene;
  cursor += static_cast<std::uint64_t>(plan.count);
  state.seconds += seconds;
  state.stage_seconds += seconds;
}

}  // namespace moonbeam::train
