#include "train/loop/plan.h"

#include <gtest/gtest.h>

namespace moonbeam::train {
namespace {

Stage windows() {
  Stage stage;
  stage.pictures = Stage::Pictures::kWindows;
  stage.batch = 96, stage.scene_batch = 16;
  stage.length = Stage::Length::kSteps, stage.amount = 100;
  stage.scenes_from = 0.75;
  return stage;
}

TEST(Plan, LooksAheadAsTheStepsThenCome) {
  const Stage stage = windows();
  for (const std::int64_t mixed_from : {-1, 0, 3, 8}) {
    RunState state;
    state.mixed_from = mixed_from;
    state.stage_step = 3, state.next_scene = 100, state.next_window = 7;
    const RunState start = state;
    for (std::uint64_t ahead = 0; ahead < 20; ++ahead) {
      const StepPlan now = plan_step(stage, state, 0);
      EXPECT_EQ(plan_step(stage, start, ahead), now) << mixed_from << " " << ahead;
      advance(state, now, 0.5);
    }
    EXPECT_EQ(state.stage_step, 23);
    EXPECT_DOUBLE_EQ(state.seconds, 10);
  }
}

TEST(Plan, EverySecondStepIsOfScenesOnceMixed) {
  const Stage stage = windows();
  RunState state;
  state.mixed_from = 2;
  std::string kinds;
  for (std::uint64_t ahead = 0; ahead < 8; ++ahead)
    kinds += plan_step(stage, state, ahead).windows ? 'w' : 's';
  EXPECT_EQ(kinds, "wwwswsws");
}

TEST(Plan, MixesWhenTheStageIsFarEnoughAndOnce) {
  const Stage stage = windows();
  RunState state;
  state.stage_step = 74;
  EXPECT_FALSE(mixes_now(stage, state));
  state.stage_step = 75;
  EXPECT_TRUE(mixes_now(stage, state));
  state.mixed_from = 75;
  EXPECT_FALSE(mixes_now(stage, state));
}

TEST(Plan, MeasuresProgressInTheStagesOwnUnit) {
  Stage stage = windows();
  RunState state;
  state.stage_step = 25, state.stage_seconds = 90;
  EXPECT_DOUBLE_EQ(progress_of(stage, state), 0.25);
  stage.length = Stage::Length::kScenes, stage.amount = 4800;
  EXPECT_DOUBLE_EQ(progress_of(stage, state), 0.5);
  stage.length = Stage::Length::kMinutes, stage.amount = 2;
  EXPECT_DOUBLE_EQ(progress_of(stage, state), 0.75);
}

TEST(Plan, WidensAlongTheList) {
  Stage stage = windows();
  stage.classes = 20, stage.widen = {50, 100};
  RunState state;
  EXPECT_EQ(classes_of(stage, state), 20);
  state.widened = 2;
  EXPECT_EQ(classes_of(stage, state), 100);
}

TEST(PartOf, RanksTakeNeighboursAndAllOfThem) {
  const StepPlan plan{.windows = true, .first = 100, .count = 7};
  EXPECT_EQ(part_of(plan, 0, 1), plan);
  EXPECT_EQ(part_of(plan, 0, 3), (StepPlan{.windows = true, .first = 100, .count = 2}));
  EXPECT_EQ(part_of(plan, 1, 3), (StepPlan{.windows = true, .first = 102, .count = 2}));
  EXPECT_EQ(part_of(plan, 2, 3), (StepPlan{.windows = true, .first = 104, .count = 3}));
}

}  // namespace
}  // namespace moonbeam::train
