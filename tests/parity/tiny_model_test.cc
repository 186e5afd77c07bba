// The parity model end to end against the makers' code, on every instruction set this machine runs.
//
// Golden data and bounds: tests/goldens/README.md section 3.
#include <gtest/gtest.h>

#include <map>

#include "kernels/kernels.h"
#include "support/golden.h"
#include "tasks/engine.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"

namespace moonbeam {
namespace {

using nlohmann::json;
using testing::all_near;
using testing::GoldenTensors;
using testing::pick_rows;
using testing::test_path;

constexpr float kFeatureTolerance = 2e-5f;  // features, pooled, embeddings
constexpr float kHiddenTolerance = 5e-5f;   // k, v
constexpr float kLogitTolerance = 3e-4f;
// Hidden of the prefix after a text block, where values reach 31 and scores 42: the bound of 5e-5 asked for
// there cannot be held. Exact (float64) arithmetic from the golden embeddings is 7e-5 away from the golden
// hidden, f32 in numpy up to 1.6e-4 away from exact, and an error of 4.5e-6 in the embeddings, which the
// bound of those allows, moves the hidden by up to 6.8e-4. See docs/exactness.md.
constexpr float kPrefixHiddenTolerance = 1.6e-4f;  // from the golden embeddings
constexpr float kPrefixHiddenEndToEnd = 6.8e-4f;   // from our own

constexpr int kPatchRows[] = {0, 1, 26, 27, 364, 701, 702, 728};
constexpr int kPrefixRows[] = {0, 1, 2, 27, 365, 728, 729};
constexpr int kVisionDim = 144, kTextDim = 128, kPatches = 729;

const json& results() {
  static const json data = testing::read_json(test_path("goldens/tiny/results.json"));
  return data;
}

std::shared_ptr<const tasks::Engine> engine_for(const std::string& isa) {
  static std::map<std::string, std::shared_ptr<const tasks::Engine>> engines;
  auto& engine = engines[isa];
  if (!engine) engine = tasks::open_engine(test_path("goldens/tiny"), {.threads = 2, .isa = isa});
  return engine;
}

/// Activations that the probes saw, crops in order.
struct Seen {
  std::map<std::string, std::vector<float>> vision;
  std::vector<float> embeddings;
  std::vector<std::vector<float>> text;
};

tasks::ImageProbe record(Seen& seen) {
  return {.vision =
              [&](std::string_view stage, int layer, const float* rows, int count, int width) {
                std::string key(stage);
                if (stage == "vit_block") key = "vit_block" + std::to_string(layer);
                if (stage == "vit_block_attn") key = "vit_block" + std::to_string(layer) + "_attn";
                auto& to = seen.vision[key];
                to.insert(to.end(), rows, rows + static_cast<std::ptrdiff_t>(count) * width);
              },
          .embeddings = [&](const float* data, int count,
                            int width) { seen.embeddings.assign(data, data + count * width); },
          .text =
              [&](int, const float* hidden, int rows, int width) {
                seen.text.emplace_back(hidden, hidden + static_cast<std::ptrdiff_t>(rows) * width);
              }};
}

class TinyModel : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  void SetUp() override {
    std::tie(isa_, stem_) = GetParam();
    engine_ = engine_for(isa_);
    golden_ = &results()[stem_];
    const Image image = load_image(test_path("goldens/images/" + (*golden_)["file"].get<std::string>()));
    encoded_ = tasks::encode_image(engine_, image, {}, record(seen_));
  }

  tasks::Sequence start() const { return tasks::continue_image(*engine_, *encoded_); }

  std::string isa_, stem_;
  std::shared_ptr<const tasks::Engine> engine_;
  const json* golden_ = nullptr;
  Seen seen_;
  std::shared_ptr<const EncodedImage::Impl> encoded_;
};

std::vector<int> ids_of(const std::vector<tasks::Token>& tokens) {
  std::vector<int> ids;
  for (const auto& token : tokens) {
    if (const auto* text = std::get_if<tasks::TextToken>(&token)) {
      ids.push_back(text->id);
    } else {
      ids.push_back(std::holds_alternative<tasks::CoordToken>(token) ? 5 : 6);
    }
  }
  return ids;
}

TEST_P(TinyModel, ActivationsOfThePrefixMatch) {
  const GoldenTensors acts(test_path("goldens/tiny/" + stem_ + ".acts.safetensors"));
  const auto crops = static_cast<int>(acts.shape("features")[0]);
  ASSERT_EQ(encoded_->crops, crops == 2 ? 1 : crops);
  for (const char* name :
       {"vit_in", "vit_block0_attn", "vit_block0", "vit_block1_attn", "vit_block1", "features"}) {
    std::vector<float> got;
    for (int crop = 0; crop < crops; ++crop) {
      // With tiling 1x1 the reference runs the same crop twice.
      const int ours = crops == 2 ? 0 : crop;
      const auto rows =
          std::span<const float>(seen_.vision[name])
              .subspan(static_cast<std::size_t>(ours) * kPatches * kVisionDim, kPatches * kVisionDim);
      const auto picked = pick_rows(rows, kVisionDim, kPatchRows);
      got.insert(got.end(), picked.begin(), picked.end());
    }
    EXPECT_TRUE(all_near(got, acts.floats(name), kFeatureTolerance)) << name;
  }
  EXPECT_TRUE(all_near(pick_rows(seen_.vision["pooled"], kVisionDim, kPatchRows), acts.floats("pooled"),
                       kFeatureTolerance));
  EXPECT_TRUE(all_near(seen_.embeddings, acts.floats("embeddings"), kFeatureTolerance));
  for (int block = 0; block < 2; ++block) {
    EXPECT_TRUE(all_near(pick_rows(seen_.text[static_cast<std::size_t>(block)], kTextDim, kPrefixRows),
                         acts.floats("text_prefix_block" + std::to_string(block)), kPrefixHiddenEndToEnd))
        << "block " << block;
  }
}

TEST_P(TinyModel, TextBlocksMatchFromTheGoldenEmbeddings) {
  const GoldenTensors acts(test_path("goldens/tiny/" + stem_ + ".acts.safetensors"));
  const auto embeddings = acts.floats("embeddings");
  tasks::Runner runner(*engine_);
  runner.decoder().set_probe([&](int block, const float* hidden, int rows, int width) {
    const std::span all(hidden, static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
    EXPECT_TRUE(all_near(pick_rows(all, kTextDim, kPrefixRows),
                         acts.floats("text_prefix_block" + std::to_string(block)), kPrefixHiddenTolerance))
        << "block " << block;
  });
  tasks::Sequence sequence = tasks::new_sequence(*engine_, 1 + kPatches);
  runner.prefill_image(sequence, embeddings.data(), kPatches);
  EXPECT_EQ(sequence.cache.size(), 1 + kPatches);
}

TEST_P(TinyModel, KeysAndValuesOfThePrefixMatch) {
  const GoldenTensors acts(test_path("goldens/tiny/" + stem_ + ".acts.safetensors"));
  constexpr int kHeads = 2, kWidth = 64, kBlock = kernels::kKeyBlock;
  std::vector<kernels::KeyBlock> blocks;
  encoded_->prefix.blocks(0, blocks);
  ASSERT_EQ(encoded_->prefix.size(), 730);
  std::vector<float> keys, values;  // [heads, rows, width]
  for (int head = 0; head < kHeads; ++head) {
    for (const int position : kPrefixRows) {
      const auto& block = blocks[static_cast<std::size_t>(position / kBlock)];
      const int column = position % kBlock;
      for (int d = 0; d < kWidth; ++d) {
        // The reference interleaves the two rotated halves of the first 32: 2i is ours at i, 2i+1 at i + 16.
        const int ours = d < 32 ? d / 2 + (d % 2) * 16 : d;
        keys.push_back(block.k[(head * kWidth + ours) * kBlock + column]);
        values.push_back(block.v[(head * kBlock + column) * kWidth + d]);
      }
    }
  }
  EXPECT_TRUE(all_near(keys, acts.floats("k_cache_block0"), kHiddenTolerance));
  EXPECT_TRUE(all_near(values, acts.floats("v_cache_block0"), kHiddenTolerance));

  tasks::Runner runner(*engine_);
  std::vector<float> logits(1024);
  runner.decoder().logits(seen_.text[1].data() + 729 * kTextDim, 1, logits.data());
  EXPECT_TRUE(all_near(logits, acts.floats("prefix_last_logits"), kLogitTolerance));
}

TEST_P(TinyModel, TextTasksMatch) {
  const GoldenTensors acts(test_path("goldens/tiny/" + stem_ + ".acts.safetensors"));
  const json& golden = (*golden_)["tasks"];
  const SpatialRef box{.point = {}, .box = Box{0.25, 0.125, 0.75, 0.625}};
  const SpatialRef point{.point = Point{0.3, 0.6}, .box = {}};
  // The question stands between the prefix (and the reference's positions) and the suffixes.
  const auto question = [&](const char* task, std::ptrdiff_t before) {
    const auto ids = golden[task]["prompt_ids"].get<std::vector<int>>();
    return engine_->tokenizer.decode(std::vector<int>(ids.begin() + before, ids.end() - 2), false);
  };
  const std::map<std::string, std::vector<tasks::Token>> prompts = {
      {"caption_short", tasks::caption_prompt(*engine_, CaptionLength::kShort)},
      {"caption_normal", tasks::caption_prompt(*engine_, CaptionLength::kNormal)},
      {"caption_long", tasks::caption_prompt(*engine_, CaptionLength::kLong)},
      {"query", tasks::query_prompt(*engine_, "What colour is the dog?", {}, false)},
      {"query_box", tasks::query_prompt(*engine_, question("query_box", 6), {&box, 1}, false)},
      {"query_point", tasks::query_prompt(*engine_, question("query_point", 5), {&point, 1}, false)},
  };
  for (const auto& [task, prompt] : prompts) {
    SCOPED_TRACE(task);
    const json& want = golden[task];
    ASSERT_EQ(ids_of(prompt), want["prompt_ids"].get<std::vector<int>>());
    tasks::Runner runner(*engine_);
    tasks::Sequence sequence = start();
    runner.advance(sequence, prompt);
    if (task == "query") {
      EXPECT_TRUE(all_near(sequence.logits, acts.floats("query_logits"), kLogitTolerance));
      const auto hidden = acts.floats("query_hidden");
      EXPECT_TRUE(all_near(sequence.hidden, std::span(hidden).last(kTextDim), kPrefixHiddenEndToEnd));
    }
    std::vector<std::vector<float>> logits;
    const int max_tokens = task.starts_with("query_") ? 16 : 32;
    const auto text = tasks::generate_text(
        runner, sequence, {.max_tokens = max_tokens},
        [&](std::span<const float> row) { logits.emplace_back(row.begin(), row.end()); });
    EXPECT_EQ(text.ids, want["generated_ids"].get<std::vector<int>>());
    EXPECT_EQ(text.text, want["text"].get<std::string>());
    // Where EOS comes right after the last token that was asked for, the reference speaks of max_tokens.
    if (want["stopped_by"] == "eos") {
      EXPECT_EQ(text.finish, Finish::kEos);
    } else {
      EXPECT_EQ(static_cast<int>(text.ids.size()), max_tokens);
    }
    const auto& steps = want["steps_top4"];
    for (std::size_t step = 0; step < steps.size(); ++step) {
      const auto ids = steps[step][0].get<std::vector<std::size_t>>();
      const auto values = steps[step][1].get<std::vector<float>>();
      for (std::size_t i = 0; i < ids.size(); ++i) {
        EXPECT_NEAR(logits[step][ids[i]], values[i], kLogitTolerance) << "step " << step << " id " << ids[i];
      }
    }
  }
}

TEST_P(TinyModel, ReasoningMatches) {
  const json& want = (*golden_)["tasks"]["query_reasoning"];
  const auto prompt = tasks::query_prompt(*engine_, "How many?", {}, true);
  ASSERT_EQ(ids_of(prompt), want["prompts"][0].get<std::vector<int>>());
  tasks::Runner runner(*engine_);
  tasks::Sequence sequence = start();
  ASSERT_EQ(sequence.cache.size(), want["positions"][0].get<int>());
  runner.advance(sequence, prompt);
  QueryOptions options;
  options.max_tokens = 32;
  const auto thought = tasks::generate_reasoning(runner, sequence, options);
  const json& reasoning = want["result"]["reasoning"];
  EXPECT_EQ(thought.reasoning.text, reasoning["text"].get<std::string>());
  std::vector<int> bins;
  for (const auto& entry : want["coord_log"]) bins.push_back(entry[1].get<int>());
  EXPECT_EQ(thought.bins, bins);
  ASSERT_EQ(thought.reasoning.grounding.size(), reasoning["grounding"].size());
  for (std::size_t i = 0; i < thought.reasoning.grounding.size(); ++i) {
    const auto& got = thought.reasoning.grounding[i];
    const json& grounding = reasoning["grounding"][i];
    EXPECT_EQ(got.start_idx, grounding["start_idx"].get<int>());
    EXPECT_EQ(got.end_idx, grounding["end_idx"].get<int>());
    ASSERT_EQ(got.points.size(), grounding["points"].size());
    for (std::size_t p = 0; p < got.points.size(); ++p) {
      EXPECT_DOUBLE_EQ(got.points[p].x, grounding["points"][p][0].get<double>());
      EXPECT_DOUBLE_EQ(got.points[p].y, grounding["points"][p][1].get<double>());
    }
  }
  EXPECT_EQ(sequence.cache.size(), want["positions"][1].get<int>());

  runner.advance(sequence, tasks::answer_prompt(*engine_));
  const auto answer = tasks::generate_text(runner, sequence, options);
  EXPECT_EQ(answer.text, want["result"]["answer"].get<std::string>());
  std::vector<int> fed = thought.ids;
  fed.push_back(3);
  fed.insert(fed.end(), answer.ids.begin(), answer.ids.end());
  EXPECT_EQ(fed, want["fed_back_ids"].get<std::vector<int>>());
}

TEST_P(TinyModel, ObjectsMatch) {
  for (const std::string task : {"detect:dog", "detect:red jacket", "point:dog", "point:red jacket"}) {
    SCOPED_TRACE(task);
    const json& want = (*golden_)["tasks"][task];
    const bool detect = task.starts_with("detect");
    const std::string object = task.substr(task.find(':') + 1);
    const auto prompt =
        detect ? tasks::detect_prompt(*engine_, object) : tasks::point_prompt(*engine_, object);
    ASSERT_EQ(ids_of(prompt), want["prompt_ids"].get<std::vector<int>>());
    tasks::Runner runner(*engine_);
    tasks::Sequence sequence = start();
    runner.advance(sequence, prompt);
    const auto objects = tasks::decode_objects(runner, sequence, detect, 12);
    const json& places = want["result"][detect ? "objects" : "points"];
    ASSERT_EQ(objects.size(), places.size());
    std::vector<int> bins;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      bins.insert(bins.end(), objects[i].bins.begin(), objects[i].bins.end());
      if (detect) {
        const Box box = tasks::to_box(objects[i]);
        EXPECT_NEAR(box.x_min, places[i]["x_min"].get<double>(), 1e-6);
        EXPECT_NEAR(box.y_min, places[i]["y_min"].get<double>(), 1e-6);
        EXPECT_NEAR(box.x_max, places[i]["x_max"].get<double>(), 1e-6);
        EXPECT_NEAR(box.y_max, places[i]["y_max"].get<double>(), 1e-6);
      } else {
        EXPECT_DOUBLE_EQ(objects[i].x, places[i]["x"].get<double>());
        EXPECT_DOUBLE_EQ(objects[i].y, places[i]["y"].get<double>());
      }
    }
    std::vector<int> want_bins;
    for (const auto& entry : want["bins"]) {
      if (entry.is_array()) {
        for (const auto& bin : entry) {
          if (bin.is_number()) want_bins.push_back(bin.get<int>());
        }
      } else {
        want_bins.push_back(entry.get<int>());
      }
    }
    // The smallest margin in the golden data is 2e-4, far above the error of an f32 engine: bins are equal.
    EXPECT_EQ(bins, want_bins) << "smallest margin " << want["bin_margin_min"];
  }
}

TEST(TinyModelWithoutImage, MatchesOnEveryInstructionSet) {
  for (const auto* table : kernels::runnable_kernels()) {
    SCOPED_TRACE(table->isa);
    const auto engine = engine_for(std::string(table->isa));
    const json& want = results()["_no_image"];
    const auto ids = want["prompt_ids"].get<std::vector<int>>();
    const std::string question =
        engine->tokenizer.decode(std::vector<int>(ids.begin() + 4, ids.end() - 2), false);
    QueryOptions options;
    options.max_tokens = 32;
    const Model model(std::make_shared<Model::Impl>(Model::Impl{engine}));
    const QueryResult result = model.query(question, options);
    EXPECT_EQ(result.answer, want["text"].get<std::string>());
    EXPECT_EQ(result.usage.prompt_tokens, static_cast<int>(ids.size()));
    EXPECT_EQ(result.usage.output_tokens, static_cast<int>(want["generated_ids"].size()));
  }
}

std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (const auto* table : kernels::runnable_kernels()) names.emplace_back(table->isa);
  return names;
}

INSTANTIATE_TEST_SUITE_P(
    EveryInstructionSet, TinyModel,
    ::testing::Combine(::testing::ValuesIn(isas()),
                       ::testing::Values("tiny_40x30", "square_378x378", "wide_800x600", "pano_2000x500",
                                         "grey_500x420", "alpha_260x430", "exif6_640x426")),
    [](const auto& instance) { return std::get<0>(instance.param) + "_" + std::get<1>(instance.param); });

}  // namespace
}  // namespace moonbeam
