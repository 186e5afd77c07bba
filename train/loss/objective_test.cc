// Packed batches through the twin: the losses of questions one by one, and the engine's own answers.
#include "train/loss/objective.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/testing.h"
#include "support/golden.h"
#include "train/batch/prompts.h"
#include "train/twin/gradient_check.h"
#include "train/twin/init.h"
#include "train/twin/model_file.h"

namespace moonbeam::train {
namespace {

using model::testing::micro_config;
using moonbeam::testing::test_path;
using nlohmann::json;
using torch::Tensor;

Twin micro_twin() {
  model::ModelConfig config = micro_config();
  config.region->coord_divisor = 15;
  Twin twin(config);
  initialise(twin, {.seed = 5, .wte_std = 0.5f});
  return twin;
}

Picture noise_picture(const model::ModelConfig& config, int seed) {
  Picture out;
  const auto count = static_cast<std::size_t>(config.vision.patches() * config.vision.patch_dim());
  unsigned state = static_cast<unsigned>(seed);
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    out.patches.push_back(static_cast<float>(state >> 16) / 32768.0f - 1);
  }
  return out;
}

std::vector<Sequence> questions(const model::ModelConfig& config, int seed) {
  const std::vector<int> prompt{1, 20 + seed, 2, 30, 3}, other{1, 21, 2, 3}, answer{40, 41 + seed, 42},
      word{50};
  const std::vector<Box> boxes = {{0.1, 0.1, 0.4, 0.3}, {0.5, 0.5, 0.9, 1.0}};
  const std::vector<Point> points = {{0.2, 0.7}};
  return {text_sequence(prompt, answer, 0, 1.0f), detect_sequence(other, boxes, config, 0.5f),
          text_sequence(other, word, 0, 2.0f), point_sequence(prompt, points, config, 1.0f),
          detect_sequence(prompt, {}, config, 3.0f)};
}

void expect_close(const Tensor& got, const Tensor& want, const char* name) {
  EXPECT_NEAR(got.item<double>(), want.item<double>(), 1e-5) << name;
}

TEST(Objective, PackedQuestionsHaveTheLossesOfQuestionsOneByOne) {
  Twin twin = micro_twin();
  std::vector<Picture> packed, unpacked;
  for (int i = 0; i < 3; ++i) {
    packed.push_back(noise_picture(twin->config(), i));
    packed.back().questions = questions(twin->config(), i);
    for (const Sequence& question : packed.back().questions) {
      unpacked.push_back(noise_picture(twin->config(), i));
      unpacked.back().questions = {question};
    }
  }
  Heads heads;
  const LossParts a = objective(twin, heads, collate(packed, twin->config()), {});
  a.total.backward();
  const Tensor gradient = twin->vision->blocks[0]->as<VisionBlockImpl>()->attn->qkv->weight.grad().clone();
  twin->zero_grad();
  const LossParts b = objective(twin, heads, collate(unpacked, twin->config()), {});
  b.total.backward();
  expect_close(a.text, b.text, "text");
  expect_close(a.coordinate, b.coordinate, "coordinate");
  expect_close(a.size, b.size, "size");
  expect_close(a.total, b.total, "total");
  EXPECT_EQ(a.token_accuracy.item<float>(), b.token_accuracy.item<float>());
  const Tensor again = twin->vision->blocks[0]->as<VisionBlockImpl>()->attn->qkv->weight.grad();
  EXPECT_LT(((gradient - again).norm() / again.norm()).item<double>(), 1e-4);
}

TEST(Objective, EveryParameterOfTheModelLearnsFromAPackedBatch) {
  Twin twin = micro_twin();
  std::vector<Picture> pictures = {noise_picture(twin->config(), 1)};
  pictures[0].questions = questions(twin->config(), 1);
  Heads heads;
  objective(twin, heads, collate(pictures, twin->config()), {}).total.backward();
  for (const auto& item : twin->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

TEST(Objective, AnEncoderThatRestsGetsNoGradientAndTheProjectorDoes) {
  Twin twin = micro_twin();
  std::vector<Picture> pictures = {noise_picture(twin->config(), 1)};
  pictures[0].questions = questions(twin->config(), 1);
  Heads heads;
  ObjectiveOptions options;
  options.train_encoder = false;
  objective(twin, heads, collate(pictures, twin->config()), options).total.backward();
  EXPECT_FALSE(twin->vision->pos_emb.grad().defined());
  EXPECT_TRUE(twin->vision->proj_mlp->fc1->weight.grad().defined());
}

GridTruth one_object(int side, int label) {
  GridTruth truth{.side = side, .cells = {}};
  truth.cells.resize(static_cast<std::size_t>(side * side));
  truth.cells[1] = {.label = label, .colour = 2, .box = {0.1f, 0.0f, 0.6f, 0.5f}};
  return truth;
}

/// Pictures with everything that can be learnt from them.
std::vector<Picture> full_pictures(const model::ModelConfig& config) {
  std::vector<Picture> pictures = {noise_picture(config, 1), noise_picture(config, 2)};
  for (Picture& picture : pictures) {
    picture.questions = questions(config, 0);
    picture.patch_truth = one_object(5, 3);
    picture.cell_truth = one_object(5, 3);
  }
  return pictures;
}

Heads micro_heads() {
  Heads heads;
  heads.dense = DenseHead(24, 6, 4);
  heads.align_box = BoxHead(64);
  heads.nouns = {torch::arange(6), torch::arange(6)};
  heads.colours = {torch::arange(10, 14), torch::arange(4)};
  initialise(heads.dense, 1);
  initialise(heads.align_box, 2);
  return heads;
}

TEST(Objective, ItsGradientIsThatOfCentralDifferencesInEveryTensor) {
  Twin twin = micro_twin();
  Heads heads = micro_heads();
  testing::Variables variables;
  const auto take = [&](const std::string& prefix, torch::nn::Module& module) {
    module.to(torch::kDouble);
    for (const auto& item : module.named_parameters())
      variables.emplace_back(prefix + item.key(), item.value());
  };
  take("", *twin);
  take("dense.", *heads.dense);
  take("align.", *heads.align_box);
  const Batch batch = collate(full_pictures(twin->config()), twin->config());
  ObjectiveOptions options;
  options.dense.grid_side = 5;
  options.weights.align = 0.35f;
  options.coordinate_sigma = 2;
  testing::expect_gradients([&] { return objective(twin, heads, batch, options).total; }, variables, 2);
}

TEST(Objective, PartsAreWeighedAsTheOptionsSay) {
  Twin twin = micro_twin();
  Heads heads = micro_heads();
  const std::vector<Picture> pictures = full_pictures(twin->config());
  ObjectiveOptions options;
  options.dense.grid_side = 5;
  options.weights.align = 0.35f;
  const LossParts parts = objective(twin, heads, collate(pictures, twin->config()), options);
  const auto value = [](const Tensor& part) { return part.item<double>(); };
  const double dense =
      value(parts.dense_class) + 5 * value(parts.dense_box) + 0.3 * value(parts.dense_colour);
  const double align = value(parts.align_noun) + value(parts.align_colour) + value(parts.align_box);
  EXPECT_NEAR(value(parts.total),
              value(parts.text) + 0.25 * value(parts.coordinate) + 0.15 * value(parts.size) + 0.3 * dense +
                  0.35 * align,
              1e-4);
  options.weights = {.text = 0, .coordinate = 0, .size = 0, .dense = 1};
  const LossParts some = objective(twin, heads, collate(pictures, twin->config()), options);
  EXPECT_FALSE(some.text.defined());
  EXPECT_FALSE(some.align_noun.defined());
  EXPECT_NEAR(value(some.total), dense, 1e-4);
}

TEST(Objective, WindowsTeachTheDenseHeadAlone) {
  Twin twin = micro_twin();
  Picture window = noise_picture(twin->config(), 1);
  window.patches.resize(4 * 588);
  window.position_rows = {6, 7, 11, 12};
  window.patch_truth = one_object(2, 1);
  const std::vector<Picture> pictures(3, window);
  Heads heads;
  heads.dense = DenseHead(24, 6, 4);
  ObjectiveOptions options;
  options.dense.grid_side = 5;
  options.weights.dense = 1;
  const LossParts parts = objective(twin, heads, collate(pictures, twin->config()), options);
  parts.total.backward();
  EXPECT_FALSE(parts.text.defined());
  EXPECT_TRUE(twin->vision->pos_emb.grad().defined());
  EXPECT_FALSE(twin->text->wte.grad().defined());
}

TEST(Objective, ABatchWithNothingToLearnHasNoTotal) {
  Twin twin = micro_twin();
  const std::vector<Picture> pictures = {noise_picture(twin->config(), 1)};
  Heads heads;
  const LossParts parts = objective(twin, heads, collate(pictures, twin->config()), {});
  EXPECT_FALSE(parts.total.defined());
  EXPECT_FALSE(parts.text.defined());
}

TEST(Objective, RunsInBf16Autocast) {
  Twin twin = micro_twin();
  std::vector<Picture> pictures = {noise_picture(twin->config(), 1)};
  pictures[0].questions = questions(twin->config(), 1);
  const Batch batch = collate(pictures, twin->config());
  Heads heads;
  const double exact = objective(twin, heads, batch, {}).total.item<double>();
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const LossParts parts = objective(twin, heads, batch, {});
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  parts.total.backward();
  EXPECT_EQ(parts.total.scalar_type(), torch::kFloat);
  EXPECT_NEAR(parts.total.item<double>(), exact, 0.02 * exact);
  EXPECT_EQ(twin->text->wte.grad().scalar_type(), torch::kFloat);
}

// The expected answers are greedy: behind all of a picture's questions, packed with their answers, each row
// must say what comes next.
TEST(Objective, APackedBatchOfTheStartersAnswersIsWhatItSays) {
  LoadedModel loaded = load_twin(test_path("data/starter"));
  const model::ModelConfig& config = loaded.twin->config();
  const json samples =
      moonbeam::testing::read_json(test_path("data/starter/samples/expected.json"))["samples"];
  std::vector<Picture> pictures;
  for (const json& sample : samples) {
    pictures.push_back(cut_picture(
        load_image(test_path("data/starter/samples/" + sample["file"].get<std::string>())), config.vision));
    for (const json& request : sample["requests"]) {
      if (!request.contains("ids")) continue;
      pictures.back().questions.push_back(text_sequence(request["prompt_ids"].get<std::vector<int>>(),
                                                        request["ids"].get<std::vector<int>>(),
                                                        config.prompts.eos));
    }
  }
  const torch::NoGradGuard no_grad;
  Heads heads;
  const Batch batch = collate(pictures, config);
  EXPECT_EQ(batch.questions, 120);
  EXPECT_EQ(objective(loaded.twin, heads, batch, {}).token_accuracy.item<float>(), 1);
}

}  // namespace
}  // namespace moonbeam::train
