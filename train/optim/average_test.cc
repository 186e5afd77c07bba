#include "train/optim/average.h"

#include <gtest/gtest.h>

namespace moonbeam::train {
namespace {

TEST(WeightAverage, FollowsItsDefinition) {
  const torch::Tensor w = torch::zeros({2});
  WeightAverage average({{"w", w, Group::kText, false, false}}, 0.999);
  double expected = 0;
  for (int t = 0; t < 40; ++t) {
    w.fill_(t + 1.0);
    average.update();
    const double decay = std::min(0.999, (1.0 + t) / (10.0 + t));
    expected = decay * expected + (1 - decay) * (t + 1);
  }
  EXPECT_NEAR(average.state()[0].second[0].item<float>(), expected, 1e-4);
  EXPECT_EQ(average.updates(), 40);
}

TEST(WeightAverage, StandsInForTheWeightsAndGivesThemBack) {
  const torch::Tensor w = torch::full({2}, 1.0f);
  WeightAverage average({{"w", w, Group::kText, false, false}}, 0.999);
  w.fill_(5);
  {
    const WeightAverage::Scope scope(average);
    EXPECT_EQ(w[0].item<float>(), 1);
  }
  EXPECT_EQ(w[0].item<float>(), 5);
  EXPECT_EQ(average.state()[0].second[0].item<float>(), 1);
}

}  // namespace
}  // namespace moonbeam::train
