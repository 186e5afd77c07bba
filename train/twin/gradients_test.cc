// Every module of the twins, differentiated, against central differences.
#include "train/twin/gradient_check.h"

#include "model/testing.h"
#include "train/twin/heads.h"
#include "train/twin/twin.h"

namespace moonbeam::train {
namespace {

using testing::expect_gradients;
using testing::random_input;
using testing::random_parameters;
using testing::Variables;
using testing::weighed_sum;
using torch::Tensor;

Variables with_input(Variables variables, const Tensor& input) {
  variables.emplace_back("input", input);
  return variables;
}

model::ModelConfig micro() {
  model::ModelConfig config = model::testing::micro_config();
  config.vision.image_grid = 2;
  config.text.prefix_attn = 5;
  return config;
}

TEST(Gradients, OfTheFeedForwardPart) {
  Mlp mlp(6, 10, 4);
  const Tensor x = random_input({3, 6});
  expect_gradients([&] { return weighed_sum(mlp(x)); }, with_input(random_parameters(*mlp), x));
}

TEST(Gradients, OfAttentionWithMaskAndRotation) {
  Attention attention(16, 2);
  const Tensor x = random_input({2, 5, 16});
  const Variables variables = with_input(random_parameters(*attention), x);
  Rope rope = make_rope(torch::arange(5) * 3, 4, 10000);
  rope = {rope.cos.to(torch::kDouble), rope.sin.to(torch::kDouble)};
  const Tensor mask = prefix_mask(5, 2);
  expect_gradients([&] { return weighed_sum(attention(x, mask, rope)); }, variables);
}

TEST(Gradients, OfTheImageEncoder) {
  VisionTwin vision(micro().vision);
  const Tensor patches = random_input({2, 25, vision->config().patch_dim()});
  Variables variables = random_parameters(*vision);
  std::erase_if(variables, [](const auto& v) { return v.first.starts_with("proj_mlp"); });
  expect_gradients([&] { return weighed_sum(vision->features(patches)); }, with_input(variables, patches));
}

TEST(Gradients, OfTheEncoderOnAWindow) {
  VisionTwin vision(micro().vision);
  const Tensor patches = random_input({1, 4, vision->config().patch_dim()});
  random_parameters(*vision);
  const Tensor rows = torch::tensor({6, 7, 11, 12}, torch::kLong).unsqueeze(0);
  expect_gradients([&] { return weighed_sum(vision->features(patches, rows)); }, {{"patches", patches}});
  const Tensor gradient =
      torch::autograd::grad({weighed_sum(vision->features(patches, rows))}, {vision->pos_emb})[0];
  const Tensor used = gradient.abs().sum(-1).squeeze(0) > 0;
  EXPECT_EQ(used.nonzero().flatten().numel(), 4);
  EXPECT_TRUE(torch::equal(used.nonzero().flatten(), rows.squeeze(0)));
}

TEST(Gradients, OfPoolingStitchingAndProjector) {
  VisionTwin vision(micro().vision);
  const Tensor features = random_input({1 + 1 + 3, 25, 24});
  Variables variables = random_parameters(*vision);
  std::erase_if(variables, [](const auto& v) { return !v.first.starts_with("proj_mlp"); });
  const std::vector<image::Tiling> tilings = {{1, 1}, {1, 1}, {1, 2}};
  expect_gradients([&] { return weighed_sum(vision->embed(features, tilings)); },
                   with_input(variables, features), 9);
}

TEST(Gradients, OfTheTextDecoder) {
  TextTwin text(micro().text);
  Variables variables = random_parameters(*text);
  const Tensor ids = torch::tensor({3, 511, 0, 7, 7, 19}, torch::kLong).unsqueeze(0);
  const Tensor positions = torch::tensor({0, 1, 2, 3, 4, 3}, torch::kLong).unsqueeze(0);
  const auto loss = [&] {
    const Tensor hidden = text(text->embed(ids), positions, prefix_mask(6, 3));
    return weighed_sum(text->logits(hidden)) + weighed_sum(hidden);
  };
  expect_gradients(loss, variables);
}

TEST(Gradients, OfTheRegionHeads) {
  RegionTwin region(*micro().region);
  Variables variables = random_parameters(*region);
  const Tensor values = torch::tensor({0.0, 0.4, 1.0}, torch::kDouble).view({3, 1}).requires_grad_(true);
  const Tensor sizes =
      torch::tensor({0.2, 0.9, 0.001, 0.5}, torch::kDouble).view({2, 2}).requires_grad_(true);
  const Tensor hidden = random_input({2, 64});
  for (auto input : {std::pair{"values", values}, {"sizes", sizes}, {"hidden", hidden}}) {
    variables.emplace_back(input);
  }
  const auto loss = [&] {
    return weighed_sum(region->encode_coordinate(values)) + weighed_sum(region->encode_size(sizes)) +
           weighed_sum(region->decode_coordinate(hidden)) + weighed_sum(region->decode_size(hidden));
  };
  expect_gradients(loss, variables);
}

TEST(Gradients, OfTheTrainersOwnHeads) {
  DenseHead dense(8, 5, 3);
  BoxHead box(8);
  Variables variables = random_parameters(*dense);
  for (auto& variable : random_parameters(*box))
    variables.emplace_back("box " + variable.first, variable.second);
  const Tensor features = random_input({2, 4, 8});
  const auto loss = [&] {
    const DenseHeadImpl::Output out = dense(features);
    return weighed_sum(out.classes) + weighed_sum(out.box) + weighed_sum(out.colours) +
           weighed_sum(box(features));
  };
  expect_gradients(loss, with_input(variables, features));
}

}  // namespace
}  // namespace moonbeam::train
