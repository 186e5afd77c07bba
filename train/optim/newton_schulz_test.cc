#include "train/optim/newton_schulz.h"

#include <gtest/gtest.h>

namespace moonbeam::train {
namespace {

TEST(NewtonSchulz, PressesSingularValuesTowardsOneAndKeepsTheVectors) {
  torch::manual_seed(1);
  for (const auto& shape : {std::pair{8, 8}, {6, 20}, {20, 6}}) {
    const torch::Tensor m = torch::randn({3, shape.first, shape.second}, torch::kDouble);
    const torch::Tensor out = newton_schulz(m, 5);
    ASSERT_EQ(out.sizes(), m.sizes());
    const auto [u, s, vh] = torch::linalg_svd(m, /*full_matrices=*/false);
    // In the singular vectors of the input the result is diagonal.
    const torch::Tensor inside = torch::bmm(torch::bmm(u.transpose(1, 2), out), vh.transpose(1, 2));
    const torch::Tensor values = torch::diagonal(inside, 0, 1, 2);
    EXPECT_LT((inside - torch::diag_embed(values)).abs().max().item<double>(), 1e-9);
    EXPECT_GT(values.min().item<double>(), 0.3);
    EXPECT_LT(values.max().item<double>(), 1.3);
  }
}

TEST(NewtonSchulz, FollowsTheIterationWordForWord) {
  torch::manual_seed(2);
  const torch::Tensor m = torch::randn({2, 5, 7}, torch::kDouble);
  const torch::Tensor out = newton_schulz(m, 3);
  for (int i = 0; i < 2; ++i) {
    torch::Tensor x = m[i] / (m[i].norm() + 1e-7);
    for (int step = 0; step < 3; ++step) {
      const torch::Tensor a = x.mm(x.t());
      x = 3.4445 * x + (-4.7750 * a + 2.0315 * a.mm(a)).mm(x);
    }
    EXPECT_LT((out[i] - x).abs().max().item<double>(), 1e-12);
  }
}

TEST(NewtonSchulz, LeavesZeroZero) {
  EXPECT_EQ(newton_schulz(torch::zeros({1, 4, 4}), 5).abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace moonbeam::train
