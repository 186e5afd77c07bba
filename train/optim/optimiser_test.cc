#include "train/optim/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "train/optim/newton_schulz.h"

namespace moonbeam::train {
namespace {

using torch::Tensor;

LearningParameter parameter(const char* name, Tensor tensor, Group group, bool decays, bool muon) {
  tensor.set_requires_grad(true);
  return {name, tensor, group, decays, muon};
}

// The textbook, element by element.
struct ReferenceAdamW {
  double rate, beta1, beta2, eps, decay;
  std::vector<double> w, m, v;
  int t = 0;
  void step(const std::vector<double>& g) {
    ++t;
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] *= 1 - rate * decay;
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      w[i] -= rate * (m[i] / (1 - std::pow(beta1, t))) / (std::sqrt(v[i] / (1 - std::pow(beta2, t))) + eps);
    }
  }
};

TEST(Optimiser, AdamWIsTheTextbooksWithDecayOnMatricesAlone) {
  torch::manual_seed(3);
  OptimiserSettings settings;
  settings.weight_decay = 0.3;
  const Tensor matrix = torch::randn({3, 4}), bias = torch::randn({5});
  const auto values = [](const Tensor& t) {
    const Tensor d = t.detach().to(torch::kDouble).flatten().contiguous();
    return std::vector<double>(d.const_data_ptr<double>(), d.const_data_ptr<double>() + d.numel());
  };
  Optimiser optimiser(
      {parameter("m", matrix, Group::kText, true, false), parameter("b", bias, Group::kVision, false, false)},
      settings, false);
  ReferenceAdamW one{
      0.02, 0.9, 0.95, 1e-8, 0.3, values(matrix), std::vector<double>(12), std::vector<double>(12)};
  ReferenceAdamW two{0.01, 0.9, 0.95, 1e-8, 0, values(bias), std::vector<double>(5), std::vector<double>(5)};
  for (int step = 0; step < 7; ++step) {
    matrix.mutable_grad() = torch::randn({3, 4});
    bias.mutable_grad() = torch::randn({5});
    one.step(values(matrix.grad()));
    two.step(values(bias.grad()));
    std::array<double, kGroups> rates{};
    rates[static_cast<std::size_t>(Group::kText)] = 0.02;
    rates[static_cast<std::size_t>(Group::kVision)] = 0.01;
    optimiser.step(rates);
  }
  for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(values(matrix)[i], one.w[i], 2e-6);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(values(bias)[i], two.w[i], 2e-6);
}

TEST(Optimiser, MuonMovesByTheOrthogonalisedMomentum) {
  torch::manual_seed(4);
  OptimiserSettings settings;
  settings.weight_decay = 0.1;
  const Tensor wide = torch::randn({4, 9}), same = torch::randn({4, 9}), tall = torch::randn({9, 2});
  std::vector<Tensor> expected, momentum;
  std::vector<LearningParameter> parameters;
  for (const Tensor& t : {wide, same, tall}) {
    expected.push_back(t.detach().clone());
    momentum.push_back(torch::zeros_like(t));
    parameters.push_back(parameter("w", t, Group::kText, true, true));
    parameters.back().name += std::to_string(parameters.size());
  }
  Optimiser optimiser(parameters, settings, false);
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < 3; ++i) {
      const Tensor g = torch::randn_like(parameters[i].tensor.detach());
      parameters[i].tensor.mutable_grad() = g;
      momentum[i] = 0.95 * momentum[i] + g;
      const Tensor update = newton_schulz((g + 0.95 * momentum[i]).unsqueeze(0), 5)[0];
      const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(g.size(0), g.size(1))));
      expected[i] = expected[i] * (1 - 0.01 * 0.1) - 0.01 * scale * update;
    }
    std::array<double, kGroups> rates{};
    rates.fill(0.01);
    optimiser.step(rates);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_LT((parameters[i].tensor.detach() - expected[i]).abs().max().item<double>(), 2e-5) << i;
  }
}

TEST(Optimiser, ClipsToTheNormAndReportsWhatIsNotFinite) {
  OptimiserSettings settings;
  settings.clip = 1;
  const Tensor a = torch::zeros({2}), b = torch::zeros({1, 1});
  Optimiser optimiser(
      {parameter("a", a, Group::kText, false, false), parameter("b", b, Group::kText, true, true)}, settings,
      false);
  a.mutable_grad() = torch::tensor({3.0f, 0.0f});
  b.mutable_grad() = torch::full({1, 1}, 4.0f);
  EXPECT_NEAR(optimiser.clip(), 5, 1e-6);
  EXPECT_NEAR(a.grad()[0].item<float>(), 0.6, 1e-6);
  EXPECT_NEAR(b.grad()[0][0].item<float>(), 0.8, 1e-6);
  EXPECT_NEAR(optimiser.clip(), 1, 1e-6);
  a.mutable_grad() = torch::full({2}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(std::isfinite(optimiser.clip()));
}

TEST(Optimiser, LeavesWhatHasNoGradient) {
  const Tensor a = torch::ones({2}), b = torch::ones({2, 2});
  Optimiser optimiser(
      {parameter("a", a, Group::kText, false, false), parameter("b", b, Group::kText, true, true)}, {},
      false);
  std::array<double, kGroups> rates{};
  rates.fill(1);
  optimiser.step(rates);
  EXPECT_TRUE(torch::equal(a.detach(), torch::ones({2})));
  EXPECT_TRUE(torch::equal(b.detach(), torch::ones({2, 2})));
}

TEST(Parameters, FallIntoGroupsByTheirNames) {
  model::ModelConfig config;
  config.variant = "moonbeam";
  config.vision = {.dim = 64,
                   .patch_size = 14,
                   .layers = 1,
                   .ff_dim = 64,
                   .heads = 1,
                   .proj_out_dim = 64,
                   .proj_inner_dim = 64,
                   .proj_in_dim = 128,
                   .crop_size = 56,
                   .channels = 3,
                   .max_crops = 1,
                   .overlap_margin = 1,
                   .image_grid = 2};
  config.text = {.dim = 64,
                 .ff_dim = 64,
                 .layers = 1,
                 .vocab_size = 300,
                 .max_context = 64,
                 .heads = 1,
                 .kv_heads = 1,
                 .prefix_attn = 5};
  config.region = region::RegionConfig{.dim = 64,
                                       .coord_feat_dim = 32,
                                       .coord_out_dim = 32,
                                       .size_feat_dim = 32,
                                       .size_out_dim = 64,
                                       .inner_dim = 32};
  config.prompts.reasoning = false;
  Twin twin(config);
  Heads heads;
  heads.dense = DenseHead(64, 5, 11);
  heads.align_box = BoxHead(64);
  int muon = 0, tables = 0;
  for (const LearningParameter& one : learning_parameters(twin, heads)) {
    muon += one.muon ? 1 : 0;
    if (one.name == "vision.proj_mlp.fc1.weight") {
      EXPECT_TRUE(one.muon && one.group == Group::kProjector);
    }
    if (one.name == "vision.patch_emb.weight") {
      EXPECT_TRUE(!one.muon && one.decays);
    }
    if (one.name == "text.wte" || one.name == "vision.pos_emb") {
      EXPECT_TRUE(!one.muon && !one.decays);
      ++tables;
    }
    if (one.name == "heads.dense.linear.weight") {
      EXPECT_EQ(one.group, Group::kHeads);
    }
    EXPECT_FALSE(one.name.ends_with("_features"));
  }
  EXPECT_EQ(muon, 4 + 4 + 2);
  EXPECT_EQ(tables, 2);
}

}  // namespace
}  // namespace moonbeam::train
