// Moondream 2 (2025) at full size with generated weights against the makers' code. Needs 9 GB of memory and
// minutes: label `model`, and not on the scalar kernels.
//
// Golden data and bounds: tests/goldens/README.md section 4.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/golden.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"
#include "text/sampler.h"

namespace moonbeam {
namespace {

using nlohmann::json;
using testing::all_near;
using testing::GoldenTensors;
using testing::test_path;

// A correct f32 engine stays within this everywhere; the hidden's standard deviation is 2.1.
constexpr float kTolerance = 1e-4f;
constexpr float kLogitTolerance = 3e-4f;
constexpr int kVisionDim = 1152, kTextDim = 2048;
constexpr int kPatchRows[] = {0, 1, 26, 27, 364, 701, 702, 728};
constexpr int kPrefixRows[] = {0, 1, 2, 27, 365, 728, 729};

const json& results() {
  static const json data = testing::read_json(test_path("goldens/full/results.json"));
  return data;
}

// Every `step`th channel of the given rows.
std::vector<float> sample(std::span<const float> rows, int width, std::span<const int> indices, int step) {
  std::vector<float> out;
  for (const int index : indices) {
    for (int c = 0; c < width; c += step) {
      out.push_back(rows[static_cast<std::size_t>(index) * static_cast<std::size_t>(width) +
                         static_cast<std::size_t>(c)]);
    }
  }
  return out;
}

class FullSize : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!testing::why_not_full_size().empty()) return;
    engine_ = tasks::open_engine("synth:moondream2:f32", {});
    const Image image = load_image(test_path("goldens/images/tiny_40x30.png"));
    const GoldenTensors acts(test_path("goldens/full/acts.safetensors"));
    // The reference ran two equal crops.
    const auto twice = [](std::vector<float> values) {
      const std::vector<float> copy = values;
      values.insert(values.end(), copy.begin(), copy.end());
      return values;
    };
    const tasks::ImageProbe probe{
        .vision =
            [&](std::string_view stage, int layer, const float* data, int count, int width) {
              std::string name(stage);
              if (stage == "vit_block") name += std::to_string(layer);
              if (!acts.has(name) || width != kVisionDim) return;
              const std::span rows(data, static_cast<std::size_t>(count) * static_cast<std::size_t>(width));
              EXPECT_TRUE(all_near(twice(sample(rows, width, kPatchRows, 72)), acts.floats(name), kTolerance))
                  << name;
              ++checked_;
            },
        .embeddings =
            [&](const float* data, int count, int width) {
              const std::span rows(data, static_cast<std::size_t>(count) * static_cast<std::size_t>(width));
              EXPECT_TRUE(
                  all_near(sample(rows, width, kPatchRows, 64), acts.floats("embeddings"), kTolerance));
              ++checked_;
            },
        .text =
            [&](int layer, const float* data, int count, int width) {
              const std::string name = "text_block" + std::to_string(layer);
              if (!acts.has(name)) return;
              const std::span rows(data, static_cast<std::size_t>(count) * static_cast<std::size_t>(width));
              EXPECT_TRUE(all_near(sample(rows, width, kPrefixRows, 64), acts.floats(name), kTolerance))
                  << name;
              ++checked_;
              if (layer == 23) last_prefix_.assign(rows.end() - kTextDim, rows.end());
            }};
    encoded_ = tasks::encode_image(engine_, image, {}, probe);
  }
  static void TearDownTestSuite() {
    encoded_.reset();
    engine_.reset();
  }
  void SetUp() override {
    if (!engine_) GTEST_SKIP() << testing::why_not_full_size();
  }

  static tasks::Sequence prefill(tasks::Runner& runner, const std::string& task) {
    std::vector<tasks::Token> prompt;
    tasks::append(prompt, results()[task]["prompt_ids"].get<std::vector<int>>());
    tasks::Sequence sequence = tasks::continue_image(*engine_, *encoded_);
    runner.advance(sequence, prompt);
    return sequence;
  }

  static inline std::shared_ptr<const tasks::Engine> engine_;
  static inline std::shared_ptr<const EncodedImage::Impl> encoded_;
  static inline std::vector<float> last_prefix_;
  static inline int checked_ = 0;
};

void expect_top50(std::span<const float> logits, const json& want) {
  const auto ids = want[0].get<std::vector<std::size_t>>();
  const auto values = want[1].get<std::vector<float>>();
  for (std::size_t i = 0; i < ids.size(); ++i)
    EXPECT_NEAR(logits[ids[i]], values[i], kLogitTolerance) << ids[i];
}

TEST_F(FullSize, ActivationsOfThePrefixMatch) {
  EXPECT_EQ(checked_, 1 + 4 + 1 + 1 + 7);  // vit_in, four blocks, features, embeddings, seven text blocks
  tasks::Runner runner(*engine_);
  std::vector<float> logits(51200);
  runner.decoder().logits(last_prefix_.data(), 1, logits.data());
  expect_top50(logits, results()["prefix_logits_top50"]);
}

TEST_F(FullSize, TextTokensAndLogitsMatch) {
  for (const char* task : {"query", "caption_short"}) {
    SCOPED_TRACE(task);
    const json& want = results()[task];
    const auto ids = want["argmax_ids"].get<std::vector<int>>();
    tasks::Runner runner(*engine_);
    tasks::Sequence sequence = prefill(runner, task);
    std::size_t step = 0;
    const auto text = tasks::generate_text(runner, sequence, {.max_tokens = static_cast<int>(ids.size()) - 1},
                                           [&](std::span<const float> logits) {
                                             if (step < want["top50_first3"].size())
                                               expect_top50(logits, want["top50_first3"][step]);
                                             if (++step == ids.size()) {
                                               EXPECT_EQ(text::argmax(logits), ids.back());
                                             }
                                           });
    EXPECT_EQ(text.ids, std::vector<int>(ids.begin(), ids.end() - 1));
    EXPECT_EQ(step, ids.size());
  }
}

TEST_F(FullSize, BinsAndBoxesMatch) {
  const GoldenTensors acts(test_path("goldens/full/acts.safetensors"));
  for (const char* task : {"detect", "point"}) {
    SCOPED_TRACE(task);
    const json& want = results()[task];
    const bool detect = std::string_view(task) == "detect";
    tasks::Runner runner(*engine_);
    tasks::Sequence sequence = prefill(runner, task);
    if (!detect) {
      EXPECT_TRUE(all_near(sequence.hidden, acts.floats("prompt1_hidden_last"), kTolerance));
    }
    expect_top50(sequence.logits, want["top50_first3"][0]);
    std::vector<int> bins, want_bins;
    const auto objects = tasks::decode_objects(runner, sequence, detect, 4);
    for (const auto& object : objects) bins.insert(bins.end(), object.bins.begin(), object.bins.end());
    for (const auto& entry : want["bins"]) want_bins.push_back(entry[1].get<int>());
    EXPECT_EQ(bins, want_bins);
    const json& places = want["result"][detect ? "objects" : "points"];
    ASSERT_EQ(objects.size(), places.size());
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (detect) {
        EXPECT_NEAR(tasks::to_box(objects[i]).x_min, places[i]["x_min"].get<double>(), 1e-6);
        EXPECT_NEAR(tasks::to_box(objects[i]).y_max, places[i]["y_max"].get<double>(), 1e-6);
      } else {
        EXPECT_DOUBLE_EQ(objects[i].x, places[i]["x"].get<double>());
      }
    }
  }
}

}  // namespace
}  // namespace moonbeam
