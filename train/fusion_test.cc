// The talk's fusion from end to end at tiny size, by the programs that people start: SigLIP's and Phi's files
// as Hugging Face's transformers saves them -> `moonbeam convert` -> the recipe fusion.toml, stage by stage
// -> what engine and twin make of the result -> pictures of one's own.
//
// Golden data: tests/goldens/README.md section 6.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "base/test_folder.h"
#include "formats/safetensors.h"
#include "model/testing.h"
#include "support/golden.h"
#include "tasks/image_prefix.h"
#include "train/loop/pictures.h"
#include "train/loop/testing.h"
#include "train/loss/objective.h"
#include "train/own/testing.h"
#include "train/program_testing.h"
#include "train/twin/model_file.h"

namespace moonbeam::train {
namespace {

namespace fs = std::filesystem;
using base::TestFolder;
using model::testing::Blob;
using moonbeam::testing::all_near;
using moonbeam::testing::read_json;
using moonbeam::testing::test_path;
using nlohmann::json;
using testing::log_of;
using testing::replaced;
using testing::run;
using torch::Tensor;

constexpr float kTolerance = 1e-4f;
constexpr int kWidth = 128, kVocab = 1040;  // 16 rows more than the tokenizer has ids

using Edits = std::vector<std::pair<std::string, std::string>>;

std::string recipe_with(const std::string& name, const Edits& edits) {
  std::string text = base::read_file(MOONBEAM_SOURCE_DIR "/train/recipes/" + name, 1 << 20);
  for (const auto& [from, to] : edits) text = replaced(text, from, to);
  return text;
}

/// The recipe as it is, but for how long and how large.
std::string tiny_fusion() {
  return recipe_with("fusion.toml", {{"steps = 4000", "steps = 3"},
                                     {"steps = 20000", "steps = 3"},
                                     {"steps = 6000", "steps = 3"},
                                     {"batch = 32", "batch = 2"},
                                     {"batch = 32", "batch = 2"},
                                     {"batch = 32", "batch = 2"},
                                     {"warm_up = 500", "warm_up = 1"},
                                     {"height = 378", "height = 70"},
                                     {"width = 378", "width = 70"},
                                     {"validate_every = 500", "validate_every = 3"},
                                     {"validate_scenes = 64", "validate_scenes = 2"},
                                     {"checkpoint_every = 500", "checkpoint_every = 3"},
                                     {"sample_every = 1000", "sample_every = 3"}});
}

/// A recipe of ours for own pictures, likewise.
std::string tiny_own(const std::string& name) {
  return recipe_with(name, {{"steps = 600", "steps = 4"},
                            {"batch = 12", "batch = 4"},
                            {"validate_every = 100", "validate_every = 4"},
                            {"validate_scenes = 48", "validate_scenes = 2"},
                            {"checkpoint_every = 200", "checkpoint_every = 4"},
                            {"sample_every = 200", "sample_every = 4"}});
}

std::vector<Blob> read_blobs(const std::string& path) {
  std::vector<Blob> out;
  for (const formats::NamedTensor& tensor : formats::open_safetensors(path).tensors) {
    const std::byte* data = tensor.view.data;
    out.push_back({tensor.name, tensor.view.dtype, tensor.view.shape, {data, data + tensor.view.bytes()}});
  }
  return out;
}

std::vector<float> noise(std::int64_t count, float deviation) {
  std::vector<float> out;
  std::uint64_t state = static_cast<std::uint64_t>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    out.push_back((static_cast<float>(state >> 40) / 8388608.0f - 1) * 1.73f * deviation);
  }
  return out;
}

void write_part(const std::string& folder, const std::vector<Blob>& blobs, const json& config) {
  fs::create_directories(folder);
  formats::write_safetensors(folder + "/model.safetensors", model::testing::to_write(blobs), {});
  model::testing::write_file(folder + "/config.json", config.dump());
}

/// "siglip" and "phi", made by transformers, the latter with rows for a tokenizer that knows words.
void write_parts(const TestFolder& folder) {
  const json configs = read_json(test_path("goldens/hf/config.json"));
  write_part(folder / "siglip", read_blobs(test_path("goldens/hf/siglip_tiny.safetensors")),
             configs["siglip"]);
  std::vector<Blob> phi = read_blobs(test_path("goldens/hf/phi_tiny.safetensors"));
  for (const auto& [name, shape] :
       std::map<std::string, tensor::Shape>{{"model.embed_tokens.weight", {kVocab, kWidth}},
                                            {"lm_head.weight", {kVocab, kWidth}},
                                            {"lm_head.bias", {kVocab}}}) {
    model::testing::find(phi, name) = model::testing::f32_blob(name, shape, noise(shape.numel(), 0.05f));
  }
  json config = configs["phi"];
  config["vocab_size"] = kVocab, config["max_position_embeddings"] = 512;
  write_part(folder / "phi", phi, config);
  fs::copy_file(test_path("data/starter/tokenizer.json"), folder / "phi/tokenizer.json");
}

std::set<std::string> all_tensors(const std::string& model, const std::string& prefix) {
  std::set<std::string> out;
  for (const formats::NamedTensor& tensor : formats::open_safetensors(model).tensors) {
    // The turns of the Fourier features are drawn once and stay.
    if (tensor.name.starts_with(prefix) && !tensor.name.ends_with("_features")) out.insert(tensor.name);
  }
  return out;
}

class Fusion : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TestFolder;
    write_parts(*folder_);
    testing::put_block_pictures(*folder_);
    testing::put_block_questions(*folder_);
    folder_->put("fusion.toml", tiny_fusion());
    ASSERT_EQ(run({"convert", "--vision", at("siglip"), "--text", at("phi"), at("fused"), "--quiet"}), 0);
    // A slice a stage, each with what it ends in.
    ASSERT_EQ(run(slice({"train", at("fusion.toml"), "--init", at("fused"), "--out", at("run")})), 0);
    ASSERT_EQ(run({"train", "export", at("run"), at("projector"), "--last", "--quiet"}), 0);
    ASSERT_EQ(run(slice({"train", "--resume", at("run")})), 0);
    ASSERT_EQ(run({"train", "export", at("run"), at("all"), "--last", "--quiet"}), 0);
    ASSERT_EQ(run(slice({"train", "--resume", at("run")})), 0);
    ASSERT_EQ(run({"train", "export", at("run"), at("region"), "--last", "--quiet"}), 0);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static std::string at(const std::string& name) { return *folder_ / name; }
  static std::string weights(const std::string& model) { return at(model + "/model.safetensors"); }
  static std::vector<std::string> slice(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--threads", "1", "--log-every", "1", "--steps", "3", "--quiet"});
    return arguments;
  }
  static std::set<std::string> changed(const std::string& from, const std::string& to) {
    const std::vector<std::string> names = testing::changed_tensors(weights(from), weights(to));
    return {names.begin(), names.end()};
  }
  /// A caption by the program.
  static int caption(const std::string& model, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"caption", "-m", model,     at("pictures/0.png"),
                                          "--quiet", "-o", at("said")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  static TestFolder* folder_;
};
TestFolder* Fusion::folder_ = nullptr;

TEST_F(Fusion, EachStageOfTheRecipeTeachesWhatItNamesAlone) {
  EXPECT_EQ(all_tensors(weights("fused"), "model.vision.proj_mlp.").size(), 4u);
  EXPECT_EQ(changed("fused", "projector"), all_tensors(weights("fused"), "model.vision.proj_mlp."));
  EXPECT_EQ(changed("projector", "all"), all_tensors(weights("fused"), "model."));
  EXPECT_EQ(changed("all", "region"), all_tensors(weights("fused"), "model.region."));

  std::map<std::string, std::set<std::string>> losses;
  int samples = 0;
  for (const json& line : log_of(at("run"))) {
    if (line.contains("sample")) ++samples;
    if (!line.contains("loss")) continue;
    for (const auto& [name, value] : line["loss"].items()) {
      EXPECT_TRUE(std::isfinite(value.get<double>())) << line;
      losses[line["stage"]].insert(name);
    }
  }
  EXPECT_EQ(losses["projector"], (std::set<std::string>{"text", "total"}));
  EXPECT_EQ(losses["all"], (std::set<std::string>{"text", "coordinate", "size", "total"}));
  EXPECT_EQ(losses["region"], (std::set<std::string>{"coordinate", "size", "total"}));
  EXPECT_GE(samples, 3);  // answered by the engine
}

/// What one side says of every place that a batch has a target for, in the batch's order.
struct Said {
  std::vector<float> tokens, coordinates, sizes;  ///< [t, vocab], [c, bins], [s, 2 bins]
};

Said engine_says(const std::shared_ptr<const tasks::Engine>& engine, const Image& image,
                 const std::vector<Sequence>& questions) {
  Said out;
  const auto append = [](std::vector<float>& to, std::span<const float> values) {
    to.insert(to.end(), values.begin(), values.end());
  };
  tasks::Runner runner(*engine);
  const auto encoded = tasks::encode_image(engine, image, {});
  for (const Sequence& question : questions) {
    tasks::Sequence sequence = tasks::continue_image(*engine, *encoded);
    const auto is_at = [](int row) { return [row](const auto& target) { return target.row == row; }; };
    for (int row = 0; row < static_cast<int>(question.inputs.size()); ++row) {
      const Input& input = question.inputs[static_cast<std::size_t>(row)];
      tasks::Token token = tasks::TextToken{input.id};
      if (input.kind == Input::Kind::kCoordinate) token = tasks::CoordToken{input.value};
      if (input.kind == Input::Kind::kSize) token = tasks::SizeToken{input.value, input.height};
      runner.advance(sequence, std::span(&token, 1));
      if (std::any_of(question.tokens.begin(), question.tokens.end(), is_at(row)))
        append(out.tokens, sequence.logits);
      if (std::any_of(question.coordinates.begin(), question.coordinates.end(), is_at(row)))
        append(out.coordinates, runner.coordinate_logits(sequence));
      if (std::any_of(question.sizes.begin(), question.sizes.end(), is_at(row)))
        append(out.sizes, runner.size_logits(sequence));
    }
  }
  return out;
}

std::vector<float> floats(const Tensor& tensor) {
  const Tensor plain = tensor.contiguous();
  return {plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel()};
}

Said twin_says(Twin& twin, const Batch& batch) {
  const Tensor embeddings = twin->vision->embed(twin->vision->features(batch.patches), batch.tilings);
  const Tensor hidden = text_hidden(twin, batch, embeddings).flatten(0, 1);
  return {floats(twin->text->logits(hidden.index_select(0, batch.token_row))),
          floats(twin->region->decode_coordinate(hidden.index_select(0, batch.coord_row))),
          floats(twin->region->decode_size(hidden.index_select(0, batch.size_row)))};
}

/// Mean over the rows of `logits` of how unlikely `targets` are.
double cross_entropy(std::span<const float> logits, const Tensor& targets) {
  const auto count = static_cast<std::size_t>(targets.numel()), width = logits.size() / count;
  const Tensor flat = targets.flatten();
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<const float> row = logits.subspan(i * width, width);
    double all = 0;
    for (const float value : row) all += std::exp(static_cast<double>(value));
    sum += std::log(all) -
           row[static_cast<std::size_t>(flat[static_cast<std::int64_t>(i)].item<std::int64_t>())];
  }
  return sum / static_cast<double>(count);
}

TEST_F(Fusion, TheEngineSaysWhatTheTwinSaysAndTheLossIsOfThat) {
  const Recipe recipe = parse_recipe(tiny_fusion(), "fusion.toml", Sizes::kModel);
  const Assets assets = load_assets(recipe);
  const Stage& stage = recipe.stages.at(1);
  for (const std::string model : {"fused", "run/model"}) {
    SCOPED_TRACE(model);
    const auto engine = tasks::open_engine(at(model), {.mode = Mode::kF32, .threads = 1});
    LoadedModel loaded = load_twin(at(model));
    const torch::NoGradGuard no_grad;
    const PictureSources sources{assets, engine->tokenizer, loaded.twin->config()};
    EXPECT_EQ(loaded.twin->config().prompts.coord,
              1024);  // Phi's tokenizer has no token that begins an object
    std::set<data::Kind> kinds;
    for (std::uint64_t index = 0; index < 3; ++index) {
      const data::Scene scene = draw_scene(assets, stage, stage.classes, data::Split::kValSeed, index);
      Picture picture = cut_picture(scene.image, loaded.twin->config().vision);
      for (const data::Question& question : ask_about(assets, stage, stage.classes, scene)) {
        kinds.insert(question.kind);
        picture.questions.push_back(sequence_of(sources, stage, scene, question));
        picture.questions.back().weight = 1;
      }
      const Batch batch = collate(std::span(&picture, 1), loaded.twin->config());
      ASSERT_EQ(static_cast<std::size_t>(batch.questions), picture.questions.size());
      const Said want = engine_says(engine, scene.image, picture.questions),
                 got = twin_says(loaded.twin, batch);
      EXPECT_TRUE(all_near(got.tokens, want.tokens, kTolerance)) << "logits";
      EXPECT_TRUE(all_near(got.coordinates, want.coordinates, kTolerance)) << "coordinates";
      EXPECT_TRUE(all_near(got.sizes, want.sizes, kTolerance)) << "sizes";

      ObjectiveOptions hard;
      hard.coordinate_sigma = hard.size_sigma = 0;
      Heads none;
      const LossParts parts = objective(loaded.twin, none, batch, hard);
      EXPECT_NEAR(parts.text.item<double>(), cross_entropy(want.tokens, batch.token_id), kTolerance);
      if (batch.coord_row.numel() > 0) {
        EXPECT_NEAR(parts.coordinate.item<double>(), cross_entropy(want.coordinates, batch.coord_bin),
                    kTolerance);
      }
      if (batch.size_row.numel() > 0) {
        EXPECT_NEAR(parts.size.item<double>(), cross_entropy(want.sizes, batch.size_bin), kTolerance);
      }
    }
    for (const data::Kind kind : {data::Kind::kCaption, data::Kind::kDetect, data::Kind::kPoint})
      EXPECT_TRUE(kinds.contains(kind)) << static_cast<int>(kind);
  }
}

TEST_F(Fusion, WhatComesOutAnswersAndIsQuantised) {
  EXPECT_EQ(caption(at("run/model")), 0);
  EXPECT_EQ(run({"train", "export", at("run"), at("half"), "--bf16", "--quiet"}), 0);
  EXPECT_EQ(run({"quantize", at("half"), at("int8.gguf"), "--no-measure", "--quiet"}), 0);
  EXPECT_EQ(caption(at("int8.gguf")), 0);
}

TEST_F(Fusion, WhatComesOutLearnsOwnPicturesOfEveryShape) {
  folder_->put("finetune.toml", tiny_own("finetune.toml"));
  std::vector<std::string> everything = {
      "train",         at("finetune.toml"), "--init", at("run/model"), "--images", at("pictures"), "--out",
      at("own-every"), "--threads",         "1",      "--log-every",   "1",        "--quiet"};
  for (const std::string file : {"llava.json", "coco.json", "samples.jsonl"}) {
    const std::string own = "own-" + file;
    std::vector<std::string> arguments = everything;
    arguments[7] = at(own);
    arguments.insert(arguments.end(), {"--data", at(file)});
    ASSERT_EQ(run(arguments), 0) << file;
    everything.insert(everything.end(), {"--data", at(file)});
    EXPECT_EQ(changed("run/model", own + "/model"), all_tensors(weights("fused"), "model.")) << file;
    EXPECT_EQ(caption(at(own + "/model")), 0) << file;
  }
  ASSERT_EQ(run(everything), 0);
  const std::vector<json> log = log_of(at("own-every"));
  EXPECT_TRUE(std::any_of(log.begin(), log.end(), [](const json& line) {
    return line.contains("sample") && line["sample"].contains("picture");
  }));
  EXPECT_TRUE(std::any_of(log.begin(), log.end(), [](const json& line) {
    return line.contains("validation") && line["validation"].contains("scenes_loss");
  }));
}

TEST_F(Fusion, WhatComesOutLearnsAnAdapterThatShipsWithIt) {
  folder_->put("lora.toml", tiny_own("lora.toml"));
  ASSERT_EQ(run({"train", at("lora.toml"), "--init", at("run/model"), "--data", at("coco.json"), "--images",
                 at("pictures"), "--out", at("lora"), "--threads", "1", "--quiet"}),
            0);
  for (const std::string& name : changed("run/model", "lora/model"))
    EXPECT_TRUE(name.starts_with("model.text.blocks.")) << name;
  const std::string adapter = at("lora/adapter.safetensors");
  EXPECT_EQ(caption(at("run/model"), {"--adapter", adapter}), 0);
  EXPECT_EQ(
      run({"quantize", at("run/model"), at("lora.gguf"), "--adapter", adapter, "--no-measure", "--quiet"}),
      0);
  EXPECT_EQ(caption(at("lora.gguf")), 0);
}

TEST_F(Fusion, SizesOfAnotherModelAreRefused) {
  folder_->put("other.toml", tiny_fusion() + "\n[model]\nvision_dim = 1152\n");
  EXPECT_EQ(run({"train", at("other.toml"), "--init", at("fused"), "--out", at("refused"), "--quiet"}), 2);
  EXPECT_FALSE(fs::exists(at("refused/recipe.toml")));
}

}  // namespace
}  // namespace moonbeam::train
