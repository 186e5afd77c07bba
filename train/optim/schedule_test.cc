#include "train/optim/schedule.h"

#include <gtest/gtest.h>

namespace moonbeam::train {
namespace {

TEST(Schedule, RisesThenFallsInALine) {
  Stage stage;
  stage.rate = 1, stage.rate_end = 0.2, stage.warm_up = 10;
  EXPECT_DOUBLE_EQ(rate_at(stage, 0, 0), 0.1);
  EXPECT_DOUBLE_EQ(rate_at(stage, 9, 0), 1);
  EXPECT_DOUBLE_EQ(rate_at(stage, 100, 0.5), 0.6);
  EXPECT_DOUBLE_EQ(rate_at(stage, 100, 1), 0.2);
  EXPECT_DOUBLE_EQ(rate_at(stage, 100, 1.5), 0.2);
  stage.warm_up = 0;
  EXPECT_DOUBLE_EQ(rate_at(stage, 0, 0), 1);
}

TEST(Schedule, GivesEachGroupItsShare) {
  Stage stage;
  stage.rate = stage.rate_end = 1, stage.warm_up = 0;
  stage.factor[static_cast<std::size_t>(Group::kVision)] = 0.2;
  const auto rates = rates_at(stage, 0, 0);
  EXPECT_DOUBLE_EQ(rates[static_cast<std::size_t>(Group::kVision)], 0.2);
  EXPECT_DOUBLE_EQ(rates[static_cast<std::size_t>(Group::kText)], 1);
}

}  // namespace
}  // namespace moonbeam::train
