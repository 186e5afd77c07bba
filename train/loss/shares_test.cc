// A batch in parts, each weighed by its share, is the whole batch: losses, accuracies, gradients.
#include "train/loss/shares.h"

#include <gtest/gtest.h>

#include "model/testing.h"
#include "train/loss/objective.h"
#include "train/twin/init.h"

namespace moonbeam::train {
namespace {

using model::testing::micro_config;
using torch::Tensor;

GridTruth truth_of(int side, int objects) {
  GridTruth truth{.side = side, .cells = {}};
  truth.cells.resize(static_cast<std::size_t>(side * side));
  for (int i = 0; i < objects; ++i) {
    truth.cells[static_cast<std::size_t>(2 * i)] = {.label = i % 6,
                                                    .colour = i % 2 == 0 ? i % 4 : -1,
                                                    .box = {0.1f, 0.05f * static_cast<float>(i), 0.6f, 0.9f}};
  }
  return truth;
}

/// Pictures that have more and more to learn from; the first has no text and no object.
std::vector<Picture> pictures_of(const model::ModelConfig& config) {
  std::vector<Picture> pictures(5);
  unsigned state = 7;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    Picture& picture = pictures[i];
    for (int k = 0; k < config.vision.patches() * config.vision.patch_dim(); ++k) {
      state = state * 1664525U + 1013904223U;
      picture.patches.push_back(static_cast<float>(state >> 16) / 32768.0f - 1);
    }
    const int n = static_cast<int>(i);
    picture.patch_truth = truth_of(5, 2 * n);
    picture.cell_truth = truth_of(5, n);
    const std::vector<int> prompt{1, 20 + n, 2, 3};
    std::vector<Box> boxes;
    for (int k = 0; k < n; ++k) {
      boxes.push_back({0.1, 0.1 * k, 0.5, 0.1 * k + 0.3});
      picture.questions.push_back(
          text_sequence(prompt, std::vector<int>{40 + k, 41 + n}, 0, 0.5f + static_cast<float>(k)));
    }
    if (n > 1) picture.questions.push_back(detect_sequence(prompt, boxes, config, 0.7f));
  }
  return pictures;
}

struct Whole {
  Twin twin{nullptr};
  Heads heads;
  ObjectiveOptions options;

  Whole() {
    model::ModelConfig config = micro_config();
    config.region->coord_divisor = 15;
    twin = Twin(config);
    initialise(twin, {.seed = 5, .wte_std = 0.5f});
    heads.dense = DenseHead(24, 6, 4);
    heads.align_box = BoxHead(64);
    heads.nouns = {torch::arange(6), torch::arange(6)};
    heads.colours = {torch::arange(10, 14), torch::arange(4)};
    initialise(heads.dense, 1);
    initialise(heads.align_box, 2);
    twin->to(torch::kDouble), heads.dense->to(torch::kDouble), heads.align_box->to(torch::kDouble);
    options.dense.grid_side = 5;
    options.weights.align = 0.35f;
  }

  std::vector<Tensor> gradients() {
    std::vector<Tensor> out;
    const auto take = [&](torch::nn::Module& module) {
      for (Tensor& parameter : module.parameters()) {
        out.push_back(parameter.grad().defined() ? parameter.grad().clone() : torch::zeros_like(parameter));
        parameter.mutable_grad() = Tensor();
      }
    };
    take(*twin), take(*heads.dense), take(*heads.align_box);
    return out;
  }
};

std::vector<Tensor> values_of(const LossParts& parts) {
  std::vector<Tensor> out;
  for (const Tensor& part : {parts.total, parts.text, parts.coordinate, parts.size, parts.dense_class,
                             parts.dense_box, parts.dense_colour, parts.align_noun, parts.align_colour,
                             parts.align_box, parts.patch_accuracy, parts.token_accuracy}) {
    out.push_back(part.defined() ? part.detach().to(torch::kDouble) : torch::zeros({}, torch::kDouble));
  }
  return out;
}

TEST(Shares, PartsOfABatchAddUpToTheBatch) {
  Whole whole;
  const std::vector<Picture> pictures = pictures_of(whole.twin->config());
  const auto batch_of = [&](std::size_t first, std::size_t count) {
    return collate(std::span(pictures).subspan(first, count), whole.twin->config());
  };
  const LossParts all = objective(whole.twin, whole.heads, batch_of(0, 5), whole.options);
  all.total.backward();
  const std::vector<Tensor> want = values_of(all), want_gradients = whole.gradients();

  const std::vector<Batch> batches = {batch_of(0, 1), batch_of(1, 3), batch_of(4, 1)};
  std::vector<double> everybodys(target_sums(batches[0], whole.options.dense).size());
  for (const Batch& batch : batches) {
    const std::vector<double> mine = target_sums(batch, whole.options.dense);
    for (std::size_t i = 0; i < mine.size(); ++i) everybodys[i] += mine[i];
  }
  std::vector<Tensor> got(want.size(), torch::zeros({}, torch::kDouble));
  std::vector<Tensor> got_gradients(want_gradients.size());
  for (const Batch& batch : batches) {
    ObjectiveOptions options = whole.options;
    options.shares = shares_of(target_sums(batch, options.dense), everybodys);
    const LossParts part = objective(whole.twin, whole.heads, batch, options);
    part.total.backward();
    const std::vector<Tensor> values = values_of(part), gradients = whole.gradients();
    for (std::size_t i = 0; i < got.size(); ++i) got[i] = got[i] + values[i];
    for (std::size_t i = 0; i < gradients.size(); ++i)
      got_gradients[i] = got_gradients[i].defined() ? got_gradients[i] + gradients[i] : gradients[i];
  }
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_GT(want[i].item<double>(), i + 2 < want.size() ? 0 : -1) << i;
    EXPECT_NEAR(got[i].item<double>(), want[i].item<double>(), 1e-6) << i;  // some parts are f32
  }
  for (std::size_t i = 0; i < want_gradients.size(); ++i) {
    EXPECT_LT((got_gradients[i] - want_gradients[i]).norm().item<double>(),
              1e-6 * (1e-3 + want_gradients[i].norm().item<double>()))
        << i;
  }
}

TEST(Shares, OneProcessHasAllOfIt) {
  Whole whole;
  const Batch batch = collate(pictures_of(whole.twin->config()), whole.twin->config());
  const std::vector<double> sums = target_sums(batch, whole.options.dense);
  const PartShares shares = shares_of(sums, sums);
  for (const double share :
       {shares.text, shares.tokens, shares.coordinate, shares.size, shares.dense_class, shares.dense_object,
        shares.dense_colour, shares.align_object, shares.align_colour}) {
    EXPECT_EQ(share, 1);
  }
}

}  // namespace
}  // namespace moonbeam::train
