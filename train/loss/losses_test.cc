#include "train/loss/losses.h"

#include "model/testing.h"
#include "train/twin/gradient_check.h"

namespace moonbeam::train {
namespace {

using testing::expect_gradients;
using testing::random_input;
using testing::random_parameters;
using testing::Variables;
using torch::Tensor;

Tensor ids(std::vector<std::int64_t> values) {
  return torch::tensor(values, torch::kLong);
}

TEST(TokenLoss, IsTheWeightedMeanOfCrossEntropies) {
  const Tensor logits = torch::tensor({0.0, 0.0, 2.0, 0.0}).view({2, 2});
  const double first = std::log(2.0), second = std::log(1 + std::exp(-2.0));
  const Tensor loss = token_loss(logits, ids({1, 0}), torch::tensor({1.0f, 3.0f}));
  EXPECT_NEAR(loss.item<double>(), (first + 3 * second) / 4, 1e-6);
  EXPECT_EQ(token_loss(torch::zeros({0, 2}), ids({}), torch::zeros({0})).item<double>(), 0);
}

TEST(SmoothBins, AreAGaussianOfSumOneCutAtTheEnds) {
  const Tensor bins = smooth_bins(ids({50, 0, 99}), 100, 4);
  EXPECT_TRUE(torch::allclose(bins.sum(-1), torch::ones({3})));
  EXPECT_NEAR((bins[0][54] / bins[0][50]).item<double>(), std::exp(-0.5), 1e-5);
  EXPECT_TRUE(torch::equal(bins[0][46], bins[0][54]));
  EXPECT_TRUE(torch::allclose(bins[1], bins[2].flip(0)));
  EXPECT_EQ(bins.argmax(-1)[0].item<std::int64_t>(), 50);
  EXPECT_TRUE(torch::equal(smooth_bins(ids({3}), 5, 0), torch::tensor({{0.f, 0.f, 0.f, 1.f, 0.f}})));
}

TEST(BinLoss, IsLeastWhereTheLogitsAreTheGaussian) {
  const Tensor want = smooth_bins(ids({20}), 64, 3);
  const double best = bin_loss(want.clamp_min(1e-20).log(), ids({20}), 3).item<double>();
  EXPECT_NEAR(best, -(want * want.clamp_min(1e-20).log()).sum().item<double>(), 1e-4);
  EXPECT_GT(bin_loss(torch::zeros({1, 64}), ids({20}), 3).item<double>(), best);
  EXPECT_EQ(bin_loss(torch::zeros({0, 64}), ids({}), 3).item<double>(), 0);
}

/// Two pictures of 2 x 2 cells: an object in two cells of the first, unknown truth in the second's last.
GridTargets small_truth() {
  GridTargets truth;
  truth.classes = ids({0, 2, 2, 0, 1, 0, 0, -1}).view({2, 4});
  truth.colours = ids({-1, 1, 1, -1, -1, -1, -1, -1}).view({2, 4});
  truth.boxes = torch::zeros({2, 4, 4});
  truth.boxes[0][1] = truth.boxes[0][2] = torch::tensor({0.25f, 0.0f, 1.0f, 0.75f});
  truth.boxes[1][0] = torch::tensor({0.0f, 0.0f, 0.5f, 0.5f});
  return truth;
}

DenseHeadImpl::Output flat_output() {
  return {
      .classes = torch::zeros({2, 4, 3}), .box = torch::zeros({2, 4, 4}), .colours = torch::zeros({2, 4, 2})};
}

TEST(DenseLoss, UnknownCellsCountForNothingAndObjectsForMore) {
  const DenseLosses flat = dense_loss(flat_output(), small_truth(), {.grid_side = 2});
  EXPECT_NEAR(flat.classes.item<double>(), std::log(3.0), 1e-6);
  EXPECT_NEAR(flat.colours.item<double>(), std::log(2.0), 1e-6);
  DenseHeadImpl::Output wrong = flat_output();
  wrong.classes[1][3] = torch::tensor({-50.0f, 50.0f, 0.0f});  // the unknown cell
  EXPECT_NEAR(dense_loss(wrong, small_truth(), {.grid_side = 2}).classes.item<double>(), std::log(3.0), 1e-6);
  wrong.classes[0][1] = torch::tensor({10.0f, 0.0f, 0.0f});  // an object cell: 10 - log 3 more
  const double more =
      dense_loss(wrong, small_truth(), {.foreground_weight = 3, .grid_side = 2}).classes.item<double>();
  EXPECT_NEAR(more, (3 * 10.0 + (4 + 2 * 3) * std::log(3.0)) / (4 + 3 * 3), 1e-3);
}

TEST(DenseLoss, DistancesAreThoseFromTheCellsCentreInSidesOfACrop) {
  DenseHeadImpl::Output exact = flat_output();
  // Cell 1 of a 2 x 2 grid has its centre at (.75, .25), cell 2 at (.25, .75); the window is half a crop.
  exact.box[0][1] = torch::tensor({0.5f, 0.25f, 0.25f, 0.5f}) / 2;
  exact.box[0][2] = torch::tensor({0.0f, 0.75f, 0.75f, 0.0f}) / 2;
  exact.box[1][0] = torch::tensor({0.25f, 0.25f, 0.25f, 0.25f}) / 2;
  EXPECT_NEAR(dense_loss(exact, small_truth(), {.grid_side = 4}).box.item<double>(), 0, 1e-9);
  EXPECT_GT(dense_loss(exact, small_truth(), {.grid_side = 2}).box.item<double>(), 0.01);
}

TEST(DenseLoss, AccuracyIsThatOfObjectCells) {
  DenseHeadImpl::Output output = flat_output();
  output.classes[0][1][2] = 1;
  output.classes[1][0][2] = 1;  // wrong: it is class 1
  EXPECT_NEAR(dense_loss(output, small_truth(), {.grid_side = 2}).accuracy.item<double>(), 1.0 / 3, 1e-6);
  GridTargets empty = small_truth();
  empty.classes.zero_();
  empty.colours.fill_(-1);
  const DenseLosses none = dense_loss(output, empty, {.grid_side = 2});
  EXPECT_EQ(none.box.item<double>(), 0);
  EXPECT_EQ(none.colours.item<double>(), 0);
  EXPECT_EQ(none.accuracy.item<double>(), 0);
}

TEST(WordRows, AWordIsItsTokensBehindASpace) {
  const text::Tokenizer tokenizer(model::synth_tokenizer(model::testing::micro_config()));
  const WordRows rows = word_rows(tokenizer, {"dog", "ox"});
  const std::vector<int> dog = tokenizer.encode(" dog", false), ox = tokenizer.encode(" ox", false);
  EXPECT_TRUE(torch::equal(rows.offsets, ids({0, static_cast<std::int64_t>(dog.size())})));
  EXPECT_EQ(rows.ids.numel(), static_cast<std::int64_t>(dog.size() + ox.size()));
  model::testing::expect_error(
      [&] {
        word_rows(tokenizer, {"dog", ""});
      },
      ErrorCode::kInvalidArgument, {"words"});
}

TEST(AlignLoss, IsSmallWhereEmbeddingsPointAtTheirWords) {
  const Tensor wte = torch::eye(6);
  const WordRows nouns{ids({0, 1}), ids({0, 1})}, colours{ids({2, 3}), ids({0, 1})};
  Tensor embeddings = torch::zeros({2, 4, 6});
  embeddings[0][1] = embeddings[0][2] = wte[1] * 9 + wte[3] * 9;  // noun 1 (class 2), colour 1
  embeddings[1][0] = wte[0];
  BoxHead box(6);
  const AlignLosses good = align_loss(embeddings, wte, nouns, colours, box, small_truth(), {.scale = 20});
  EXPECT_LT(good.nouns.item<double>(), 1e-4);
  EXPECT_LT(good.colours.item<double>(), 1e-4);
  const AlignLosses bad = align_loss(-embeddings, wte, nouns, colours, box, small_truth(), {.scale = 20});
  EXPECT_GT(bad.nouns.item<double>(), 10);
}

TEST(Gradients, OfTokensAndBins) {
  const Tensor logits = random_input({4, 7}), bins = random_input({3, 16});
  const auto loss = [&] {
    return token_loss(logits, ids({0, 6, 3, 3}), torch::tensor({1.0, 0.5, 2.0, 1.0})) +
           bin_loss(bins, ids({0, 7, 15}), 2) + bin_loss(bins, ids({1, 2, 3}), 0);
  };
  expect_gradients(loss, {{"logits", logits}, {"bins", bins}}, 28);
}

TEST(Gradients, OfDenseAndAlignment) {
  DenseHead head(8, 2, 2);
  BoxHead box(8);
  Variables variables = random_parameters(*head);
  for (auto& [name, variable] : random_parameters(*box)) variables.emplace_back("box " + name, variable);
  const Tensor features = random_input({2, 4, 8}), wte = random_input({9, 8}, 5);
  variables.emplace_back("features", features);
  variables.emplace_back("wte", wte);
  const WordRows nouns{ids({0, 8, 2}), ids({0, 2})}, colours{ids({5, 6, 5}), ids({0, 1})};
  const auto loss = [&] {
    const DenseLosses dense = dense_loss(head(features), small_truth(), {.grid_side = 2});
    const AlignLosses align = align_loss(features, wte, nouns, colours, box, small_truth(), {});
    return dense.classes + 5 * dense.box + 0.3 * dense.colours + align.nouns + align.colours + align.box;
  };
  expect_gradients(loss, variables, 9);
}

}  // namespace
}  // namespace moonbeam::train
