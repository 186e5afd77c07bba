// Runs that begin from a model and learn from files of pictures, at a size that takes seconds.
#include <gtest/gtest.h>
#include <moonbeam/image.h>
#include <moonbeam/weights.h>
#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"
#include "formats/safetensors.h"
#include "model/testing.h"
#include "train/loop/testing.h"
#include "train/own/testing.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;
using model::testing::expect_error;
using nlohmann::json;
using testing::changed_tensors;
using testing::log_of;
using testing::one_thread;
using testing::replaced;

const std::string kRecipes = MOONBEAM_SOURCE_DIR "/train/recipes/";
constexpr int kSide = testing::kBlockSide, kPictures = testing::kBlockPictures;

/// What the tests' runs share; [model] is the model's own.
const std::string kOwn = R"(
[run]
seed = 5
precision = f32
validate_every = 10
validate_scenes = 4
checkpoint_every = 100
sample_every = 20

[own]
kept_out = 0.2
absent = 1

[stage.learn]
pictures = own
steps = 20
batch = 4
trains = all
rate = 3e-3
rate_end = 1e-3
warm_up = 5
text_loss = 1
coordinate_loss = 0.4
size_loss = 0.4
bin_sigma = 4
classes = 5
clutter = 0
degrade = false
height = 112
width = 112
)";

/// A model of the smoke recipe's size that knows nothing, and pictures of one block each.
class OwnData : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TestFolder;
    const std::string smoke = kRecipes + "smoke.toml";
    Trainer trainer(read_recipe(smoke), RunFolder::create(*folder_ / "nothing"), one_thread());
    trainer.save_model(*folder_ / "model", /*averaged=*/false, /*bf16=*/false);
    testing::put_block_pictures(*folder_);
    testing::put_block_questions(*folder_);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static StartOptions from(const std::vector<std::string>& files) {
    StartOptions out;
    out.init = *folder_ / "model";
    for (const std::string& file : files) out.data.push_back(*folder_ / file);
    out.images = {*folder_ / "pictures"};
    return out;
  }

  Trainer begin(const std::string& run, const std::string& recipe, const StartOptions& start,
                const TrainOptions& options = one_thread()) const {
    return Trainer(parse_recipe(recipe, "own.toml", Sizes::kModel), RunFolder::create(here_ / run), options,
                   start);
  }

  void expect_refused(const std::string& recipe, const StartOptions& start, ErrorCode code,
                      const std::vector<std::string>& parts) const {
    std::filesystem::remove_all(here_ / "refused");
    expect_error([&] { begin("refused", recipe, start); }, code, parts);
    EXPECT_FALSE(std::filesystem::exists(here_ / "refused/recipe.toml"));
  }

  static TestFolder* folder_;  // of all tests, read only
  TestFolder here_;
};
TestFolder* OwnData::folder_ = nullptr;

double mean_loss(const std::vector<json>& log, bool last) {
  std::vector<double> losses;
  for (const json& line : log) {
    if (line.contains("loss")) losses.push_back(line["loss"]["total"]);
  }
  if (last) std::reverse(losses.begin(), losses.end());
  EXPECT_GE(losses.size(), 10u);
  return (losses[0] + losses[1] + losses[2] + losses[3]) / 4;
}

// ------------------------------------------------------------------------------------------------ it learns

TEST_F(OwnData, LearnsFromEveryShapeOfFile) {
  for (const char* file : {"llava.json", "coco.json", "samples.jsonl"}) {
    Trainer trainer = begin(file, kOwn, from({file}));
    EXPECT_EQ(trainer.run(), Ended::kFinished);
    const std::vector<json> log = log_of(here_ / file);
    EXPECT_LT(mean_loss(log, true), 0.6 * mean_loss(log, false)) << file;
    const auto validation =
        std::find_if(log.begin(), log.end(), [](const json& line) { return line.contains("validation"); });
    ASSERT_NE(validation, log.end());
    EXPECT_TRUE((*validation)["validation"]["loss"].contains("total")) << *validation;
    const auto sample =
        std::find_if(log.begin(), log.end(), [](const json& line) { return line.contains("sample"); });
    ASSERT_NE(sample, log.end());
    EXPECT_TRUE(std::filesystem::exists((*sample)["sample"]["picture"].get<std::string>()));
  }
}

TEST_F(OwnData, LearnsByHeartWhatTheEngineThenAnswers) {
  std::string recipe = replaced(kOwn, "kept_out = 0.2", "kept_out = 0");
  recipe = replaced(recipe, "steps = 20", "steps = 220");
  recipe = replaced(recipe, "bin_sigma = 4", "bin_sigma = 4 -> 0.5");
  recipe = replaced(recipe, "coordinate_loss = 0.4", "coordinate_loss = 1");
  recipe = replaced(recipe, "batch = 4", "batch = 10");
  TrainOptions options = one_thread();
  Trainer trainer = begin("run", recipe, from({"samples.jsonl", "llava.json"}), options);
  trainer.run();
  trainer.save_model(here_ / "model", /*averaged=*/true, /*bf16=*/false);
  LoadOptions load;
  load.mode = Mode::kF32;
  const Model model = Model::load(here_ / "model", load);
  for (int i = 0; i < kPictures; ++i) {
    const EncodedImage image = model.encode_image(testing::block_picture(i));
    EXPECT_EQ(model.query(image, "What colour is it?").answer,
              testing::block_is_red(i) ? "It is red." : "It is blue.")
        << i;
    CaptionOptions caption;
    caption.length = CaptionLength::kShort;
    EXPECT_EQ(model.caption(image, caption).caption,
              testing::block_is_red(i) ? "A red block." : "A blue block.")
        << i;
    const std::vector<Box> boxes = model.detect(image, "block");
    ASSERT_EQ(boxes.size(), 1u) << i;
    EXPECT_NEAR(boxes[0].x_min, static_cast<double>(testing::block_left(i)) / kSide, 0.05) << i;
    EXPECT_NEAR(boxes[0].y_max, 80.0 / kSide, 0.05) << i;
  }
}

TEST_F(OwnData, ASlicedRunWithScenesAmongThePicturesIsTheUnbrokenRun) {
  const std::string recipe = replaced(kOwn, "batch = 4", "batch = 3\nscenes_share = 0.4\nquestions = 3");
  {
    Trainer whole = begin("whole", recipe, from({"coco.json", "llava.json"}));
    whole.run();
  }
  TrainOptions options = one_thread();
  options.steps = 7;
  options.feeders = 3;
  {
    Trainer first = begin("sliced", recipe, from({"coco.json", "llava.json"}), options);
    EXPECT_EQ(first.run(), Ended::kStopped);
  }
  {
    // The model that it began from is no longer needed.
    Trainer rest(RunFolder::open(here_ / "sliced"), one_thread());
    EXPECT_EQ(rest.run(), Ended::kFinished);
  }
  const std::vector<json> log = log_of(here_ / "whole");
  EXPECT_EQ(log, log_of(here_ / "sliced"));
  const auto validation =
      std::find_if(log.begin(), log.end(), [](const json& line) { return line.contains("validation"); });
  ASSERT_NE(validation, log.end());
  EXPECT_TRUE((*validation)["validation"].contains("scenes_token_accuracy")) << *validation;
  EXPECT_TRUE(changed_tensors(RunFolder::open(here_ / "whole").checkpoints().front(),
                              RunFolder::open(here_ / "sliced").checkpoints().front())
                  .empty());
}

TEST_F(OwnData, OnlyWhatTheStageNamesLearns) {
  const std::pair<const char*, const char*> kParts[] = {
      {"region", "model.region."}, {"projector", "model.vision.proj_mlp."}, {"text", "model.text."}};
  for (const auto& [part, prefix] : kParts) {
    std::string recipe = replaced(kOwn, "trains = all", std::string("trains = ") + part);
    recipe = replaced(recipe, "steps = 20", "steps = 4");
    Trainer trainer = begin(part, recipe, from({"coco.json"}));
    trainer.run();
    for (const bool averaged : {true, false}) {
      const std::string saved = here_ / (std::string(part) + (averaged ? "-average" : "-last"));
      trainer.save_model(saved, averaged, /*bf16=*/false);
      const std::vector<std::string> names =
          changed_tensors(*folder_ / "model/model.safetensors", saved + "/model.safetensors");
      EXPECT_GT(names.size(), 3u) << part;
      for (const std::string& tensor : names) EXPECT_EQ(tensor.find(prefix), 0u) << part << ": " << tensor;
    }
  }
}

TEST_F(OwnData, AdaptersLearnAndTheModelBesideThemStays) {
  std::string recipe =
      replaced(kOwn, "seed = 5", "seed = 5\nlora_rank = 4\nlora_targets = attn.qkv, mlp.fc2");
  recipe = replaced(recipe, "trains = all", "trains = lora");
  recipe = replaced(recipe, "rate = 3e-3", "rate = 3e-2");
  {
    TrainOptions options = one_thread();
    options.steps = 13;
    begin("run", recipe, from({"llava.json"}), options).run();
  }
  Trainer trainer(RunFolder::open(here_ / "run"), one_thread());
  EXPECT_EQ(trainer.run(), Ended::kFinished);
  const std::vector<json> log = log_of(here_ / "run");
  EXPECT_LT(mean_loss(log, true), 0.8 * mean_loss(log, false));

  ASSERT_TRUE(trainer.has_adapter());
  trainer.save_adapter(here_ / "adapter.safetensors", /*averaged=*/true, /*bf16=*/false);
  const formats::WeightFile adapter = formats::open_safetensors(here_ / "adapter.safetensors");
  EXPECT_EQ(adapter.tensors.size(), 2u * 2 * 2);
  EXPECT_EQ(adapter.metadata.at("base"), "model");
  EXPECT_EQ(adapter.metadata.at("rank"), "4");
  // The merged model differs from what it began from where there are adapters, by what they say.
  trainer.save_model(here_ / "merged", /*averaged=*/true, /*bf16=*/false);
  const std::vector<std::string> names =
      changed_tensors(*folder_ / "model/model.safetensors", here_ / "merged/model.safetensors");
  EXPECT_EQ(names, (std::vector<std::string>{
                       "model.text.blocks.0.attn.qkv.weight", "model.text.blocks.0.mlp.fc2.weight",
                       "model.text.blocks.1.attn.qkv.weight", "model.text.blocks.1.mlp.fc2.weight"}));
  const auto values = [](const formats::WeightFile& file, const std::string& name) {
    const tensor::TensorView* view = file.find(name);
    std::vector<float> out(static_cast<std::size_t>(view->numel()));
    tensor::to_f32(*view, out.data());
    return torch::tensor(out).view({view->shape[0], view->shape[1]});
  };
  const formats::WeightFile before = formats::open_safetensors(*folder_ / "model/model.safetensors");
  const formats::WeightFile after = formats::open_safetensors(here_ / "merged/model.safetensors");
  for (const std::string& name : names) {
    const std::string plain = name.substr(6, name.size() - 6 - 7);  // without "model." and ".weight"
    const torch::Tensor said = values(adapter, plain + ".B").mm(values(adapter, plain + ".A"));
    const torch::Tensor difference = values(after, name) - values(before, name) - said;
    EXPECT_LT(difference.abs().max().item<float>(), 1e-6f) << name;
  }
}

TEST_F(OwnData, ABiasOfTheCoordinateTokenIsInWhatIsWrittenAndInNoAdapter) {
  const std::string biased = replaced(kOwn, "seed = 5", "seed = 5\ncoordinate_bias = -1.5");
  begin("plain", kOwn, from({"coco.json"})).save_model(here_ / "a", true, false);
  begin("biased", biased, from({"coco.json"})).save_model(here_ / "b", true, false);
  EXPECT_EQ(changed_tensors(here_ / "a/model.safetensors", here_ / "b/model.safetensors"),
            std::vector<std::string>{"model.text.lm_head.bias"});
  const std::string adapter =
      replaced(replaced(biased, "trains = all", "trains = lora"), "seed = 5", "seed = 5\nlora_rank = 4");
  expect_refused(adapter, from({"coco.json"}), ErrorCode::kInvalidArgument, {"coordinate_bias", "adapter"});
}

TEST_F(OwnData, AdaptersNeedAModel) {
  std::string smoke = base::read_file(kRecipes + "smoke.toml", 1 << 20);
  smoke = replaced(smoke, "seed = 3", "seed = 3\nlora_rank = 4");
  smoke =
      replaced(replaced(smoke, "trains = vision, heads", "trains = lora"), "trains = all", "trains = lora");
  expect_error(
      [&] {
        Trainer(parse_recipe(smoke, kRecipes + "smoke.toml"), RunFolder::create(here_ / "run"), one_thread());
      },
      ErrorCode::kInvalidArgument, {"lora_rank", "--init MODEL"});
  Trainer trainer = begin("none", kOwn, from({"coco.json"}));
  EXPECT_FALSE(trainer.has_adapter());
  expect_error([&] { trainer.save_adapter(here_ / "a.safetensors", true, false); },
               ErrorCode::kInvalidArgument, {"adapter"});
}

TEST_F(OwnData, AStageOfRegionHeadsPassesOverAStepWithoutBoxes) {
  std::string recipe = replaced(kOwn, "trains = all", "trains = region");
  recipe = replaced(recipe, "steps = 20", "steps = 3");
  Trainer trainer = begin("run", recipe, from({"llava.json"}));
  EXPECT_EQ(trainer.run(), Ended::kFinished);
}

// ------------------------------------------------------------------------------------------ the model to be

TEST_F(OwnData, BeginsFromEveryContainerWithTheSameStep) {
  convert_model(*folder_ / "model", here_ / "model.gguf", {});
  std::filesystem::create_directories(here_ / "bf16");
  convert_model(*folder_ / "model", here_ / "bf16/model.gguf", {.dtype = "bf16"});
  const std::string recipe = replaced(kOwn, "steps = 20", "steps = 1");
  std::vector<json> first;
  for (const std::string& model : {*folder_ / "model", here_ / "model.gguf", here_ / "bf16/model.gguf"}) {
    StartOptions start = from({"coco.json"});
    start.init = model;
    const std::string run = "run" + std::to_string(first.size());
    begin(run, recipe, start).run();
    first.push_back(log_of(here_ / run).at(0));
  }
  EXPECT_EQ(first[0], first[1]);
  EXPECT_NEAR(first[2]["loss"]["total"].get<double>(), first[0]["loss"]["total"].get<double>(), 0.05);
}

TEST_F(OwnData, RefusesAModelThatDoesNotFit) {
  const std::string sizes = "\n[model]\ntext_dim = 64\nbins = 512\nvocab = 1024\n";
  expect_refused(kOwn + sizes, from({"coco.json"}), ErrorCode::kInvalidArgument,
                 {"own.toml: [model]: bins = 512, but ", "has 1024"});
  const std::string other = "validate_every = 10\ntokenizer = " + kRecipes + "tiny-tokenizer.json";
  expect_refused(replaced(kOwn, "validate_every = 10", other), from({"coco.json"}),
                 ErrorCode::kInvalidArgument, {"tokenizer: ", "tiny-tokenizer.json is not that of "});
  StartOptions start = from({"coco.json"});
  start.init = here_ / "nowhere";
  expect_refused(kOwn, start, ErrorCode::kNotFound, {"nowhere"});
  quantize_model(*folder_ / "model", here_ / "int8.gguf", {.mode = Mode::kInt8, .measure = false});
  start.init = here_ / "int8.gguf";
  expect_refused(kOwn, start, ErrorCode::kUnsupported, {"int8.gguf: '", " is int8: training starts from"});

  std::filesystem::copy(*folder_ / "model", here_ / "broken");
  const std::string weights = here_ / "broken/model.safetensors";
  std::string bytes = base::read_file(weights, 1 << 28);
  bytes = replaced(bytes, "model.text.post_ln.bias", "model.text.post_ln.bios");
  here_.put("broken/model.safetensors", bytes);
  start.init = here_ / "broken";
  expect_refused(kOwn, start, ErrorCode::kCorrupt, {"text.post_ln.bias"});
}

TEST_F(OwnData, AModelMayGoOnWithDrawnScenesToo) {
  std::string smoke = base::read_file(kRecipes + "smoke.toml", 1 << 20);
  smoke = replaced(smoke, "steps = 50", "steps = 1");
  smoke = replaced(smoke, "steps = 100", "steps = 1");
  StartOptions start;
  start.init = *folder_ / "model";
  Trainer trainer(parse_recipe(smoke, kRecipes + "smoke.toml"), RunFolder::create(here_ / "run"),
                  one_thread(), start);
  EXPECT_EQ(trainer.run(), Ended::kFinished);
}

// ----------------------------------------------------------------------------------------------- the data

TEST_F(OwnData, RefusesDataThatDoesNotFit) {
  StartOptions none = from({});
  none.images.clear();
  expect_refused(kOwn, none, ErrorCode::kInvalidArgument, {"own.toml", "pictures = own", "--data FILE"});
  const std::string scenes = replaced(kOwn, "pictures = own", "pictures = scenes");
  expect_refused(scenes, from({"coco.json"}), ErrorCode::kInvalidArgument, {"no stage has pictures = own"});
  StartOptions two = from({"coco.json", "llava.json", "samples.jsonl"});
  two.images.push_back(here_.path());
  expect_refused(kOwn, two, ErrorCode::kInvalidArgument, {"--images", "3 files", "got 2"});
  StartOptions nowhere = from({"coco.json"});
  nowhere.images = {here_ / "nowhere"};
  expect_refused(kOwn, nowhere, ErrorCode::kNotFound, {"--images", "nowhere: no such folder"});
  expect_refused(kOwn, from({"missing.json"}), ErrorCode::kNotFound, {"missing.json"});
}

TEST_F(OwnData, RefusesTextsAndPicturesByTheirPlace) {
  const auto with_answer = [&](const std::string& answer) {
    here_.put(
        "mine.json",
        json::array({{{"image", "0.png"},
                      {"conversations",
                       {{{"from", "human"}, {"value", "What?"}}, {{"from", "gpt"}, {"value", answer}}}}}})
            .dump());
    StartOptions start = from({});
    start.data = {here_ / "mine.json"};
    return start;
  };
  expect_refused(kOwn, with_answer("A dog.<|endoftext|>"), ErrorCode::kCorrupt,
                 {"mine.json: row 1: conversations 1", "control token <|endoftext|>"});
  std::string tale;
  for (int i = 0; i < 2000; ++i) tale += "once ";
  expect_refused(kOwn, with_answer(tale), ErrorCode::kExhausted,
                 {"mine.json: row 1: conversations 1", "positions, there is room for 495"});

  here_.put("pictures/0.png", "no picture");
  StartOptions broken = with_answer("A dog.");
  broken.images = {here_ / "pictures"};
  expect_refused(kOwn, broken, ErrorCode::kCorrupt, {"mine.json: row 1: ", "0.png: not a picture"});
  here_.put("pictures/0.png", base::read_file(*folder_ / "pictures/0.png", 1 << 20).substr(0, 150));
  expect_refused(kOwn, broken, ErrorCode::kCorrupt, {"mine.json: row 1: ", "0.png"});

  const std::string coco = base::read_file(*folder_ / "coco.json", 1 << 20);
  here_.put("coco.json", replaced(coco, "\"width\":112", "\"width\":224"));
  StartOptions size = from({});
  size.data = {here_ / "coco.json"};
  expect_refused(kOwn, size, ErrorCode::kCorrupt,
                 {"coco.json: image 1 (id 0): ", "0.png has 112x112 pixels, expected 224x112"});
}

TEST_F(OwnData, APictureThatIsGoneIsNamedAndTheCheckpointStays) {
  for (int i = 0; i < kPictures; ++i) {
    std::filesystem::create_directories(here_ / "pictures");
    std::filesystem::copy_file(*folder_ / ("pictures/" + testing::block_name(i)),
                               here_ / ("pictures/" + testing::block_name(i)));
  }
  StartOptions start = from({"coco.json"});
  start.images = {here_ / "pictures"};
  TrainOptions options = one_thread();
  options.steps = 2;
  begin("run", kOwn, start, options).run();
  const std::vector<std::string> good = RunFolder::open(here_ / "run").checkpoints();
  std::filesystem::rename(here_ / "pictures/4.png", here_ / "pictures/elsewhere.png");
  expect_error([&] { Trainer(RunFolder::open(here_ / "run"), one_thread()); }, ErrorCode::kNotFound,
               {"coco.json: image 5 (id 4): no picture ", "4.png"});
  EXPECT_EQ(RunFolder::open(here_ / "run").checkpoints(), good);
  std::filesystem::rename(here_ / "pictures/elsewhere.png", here_ / "pictures/4.png");
  EXPECT_EQ(Trainer(RunFolder::open(here_ / "run"), one_thread()).run(), Ended::kFinished);
  std::filesystem::rename(here_ / "pictures/4.png", here_ / "pictures/elsewhere.png");
  expect_refused(kOwn, start, ErrorCode::kNotFound, {"coco.json: image 5 (id 4): no picture "});
}

// Too many to open before the first step.
TEST_F(OwnData, ABrokenPictureAmongThousandsIsNamedWhenItsTurnComes) {
  here_.put("many/broken", "no picture");
  json rows = json::array();
  for (int i = 0; i < 3100; ++i) {
    const std::string name = testing::block_name(i);
    const bool broken = i % 3 == 0;
    std::filesystem::create_symlink(broken ? here_ / "many/broken" : *folder_ / "pictures/0.png",
                                    here_ / ("many/" + name));
    rows.push_back({{"image", name},
                    {"conversations",
                     {{{"from", "human"}, {"value", "What?"}}, {{"from", "gpt"}, {"value", "A block."}}}}});
  }
  here_.put("many.json", rows.dump());
  StartOptions start = from({});
  start.data = {here_ / "many.json"};
  start.images = {here_ / "many"};
  Trainer trainer = begin("run", kOwn, start);
  expect_error([&] { trainer.run(); }, ErrorCode::kCorrupt, {"many.json: row ", ".png: not a picture"});
  EXPECT_EQ(RunFolder::open(here_ / "run").checkpoints().size(), 1u);
}

TEST_F(OwnData, ARunDoesNotGoOnWithOtherQuestions) {
  here_.put("coco.json", base::read_file(*folder_ / "coco.json", 1 << 20));
  StartOptions start = from({});
  start.data = {here_ / "coco.json"};
  TrainOptions options = one_thread();
  options.steps = 2;
  begin("run", kOwn, start, options).run();
  here_.put("coco.json", replaced(base::read_file(here_ / "coco.json", 1 << 20), "red block", "red thing"));
  TrainOptions export_only = one_thread();
  export_only.only_saves = true;
  EXPECT_NO_THROW(Trainer(RunFolder::open(here_ / "run"), export_only));
  expect_error([&] { Trainer(RunFolder::open(here_ / "run"), one_thread()); }, ErrorCode::kInvalidArgument,
               {"coco.json: changed since the run began"});
}

// ---------------------------------------------------------------------------------------- what goes wrong

std::string with_adapters() {
  return replaced(replaced(kOwn, "trains = all", "trains = lora"), "seed = 5", "seed = 5\nlora_rank = 4");
}

TEST_F(OwnData, StopsAtALossThatIsNotFiniteAndSaysAtWhichPictures) {
  for (const auto& [run, recipe] : {std::pair{"all", kOwn}, {"lora", with_adapters()}}) {
    SCOPED_TRACE(run);
    TrainOptions options = one_thread();
    options.steps = 5;
    begin(run, recipe, from({"llava.json", "coco.json"}), options).run();
    const std::string good = RunFolder::open(here_ / run).checkpoints().front();
    testing::poison(good, "text.post_ln.weight", std::numeric_limits<float>::max());
    const auto written = std::filesystem::last_write_time(good);
    Trainer trainer(RunFolder::open(here_ / run), one_thread());
    expect_error(
        [&] { trainer.run(); }, ErrorCode::kCorrupt,
        {"step 6 (learn, pictures ", "loss.", "the last good checkpoint is ", "checkpoint-000000005"});
    EXPECT_EQ(std::filesystem::last_write_time(good), written);
    EXPECT_EQ(RunFolder::open(here_ / run).checkpoints().front(), good);
    for (const json& line : log_of(here_ / run)) EXPECT_LE(line["step"].get<int>(), 5);
  }
}

/// While it lives files cannot grow beyond this, which stands for a full disk: write() fails in the same
/// place.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_;
};

TEST_F(OwnData, AFullDiskLosesNothing) {
  for (const auto& [name, plain] : {std::pair{"all", kOwn}, {"lora", with_adapters()}}) {
    SCOPED_TRACE(name);
    const std::string run = name, recipe = replaced(plain, "checkpoint_every = 100", "checkpoint_every = 8");
    begin(run + "-whole", recipe, from({"coco.json"})).run();
    TrainOptions options = one_thread();
    options.steps = 5;
    begin(run, recipe, from({"coco.json"}), options).run();
    const std::vector<std::string> good = RunFolder::open(here_ / run).checkpoints();
    {
      Trainer trainer(RunFolder::open(here_ / run), one_thread());
      const SmallFiles full(100'000);
      expect_error([&] { trainer.run(); }, ErrorCode::kExhausted, {"checkpoint-000000008"});
    }
    EXPECT_EQ(RunFolder::open(here_ / run).checkpoints(), good);
    Trainer rest(RunFolder::open(here_ / run), one_thread());
    EXPECT_EQ(rest.state().step, 5);
    EXPECT_EQ(rest.run(), Ended::kFinished);
    EXPECT_EQ(log_of(here_ / run), log_of(here_ / (run + "-whole")));
    {
      // Nor does what a run ends in take the place of what is there by halves.
      const SmallFiles full(100'000);
      expect_error([&] { rest.save_model(here_ / (run + "-model"), true, false); }, ErrorCode::kExhausted,
                   {"cannot write"});
    }
    EXPECT_FALSE(std::filesystem::exists(here_ / (run + "-model")));
    rest.save_model(here_ / (run + "-model"), true, false);
    Model::load(here_ / (run + "-model"));
  }
}

TEST_F(OwnData, ARunWhoseFirstCheckpointFoundNoRoomBeginsAgain) {
  {
    Trainer trainer = begin("run", kOwn, from({"coco.json"}));
    const SmallFiles full(100'000);
    expect_error([&] { trainer.run(); }, ErrorCode::kExhausted, {"checkpoint-000000000"});
  }
  expect_error([&] { RunFolder::open(here_ / "run"); }, ErrorCode::kNotFound, {"found no checkpoint"});
  EXPECT_EQ(begin("run", kOwn, from({"coco.json"})).run(), Ended::kFinished);
}

TEST(Recipes, OfOursAreFoundByNameAndHold) {
  for (const char* name : {"finetune", "finetune.toml", "lora", "projector", "region"}) {
    const Recipe recipe = read_recipe(find_recipe(name));
    EXPECT_TRUE(recipe.model_keys.empty()) << name;
    EXPECT_TRUE(recipe.tokenizer.empty()) << name;
    EXPECT_EQ(recipe.stages.at(0).pictures, Stage::Pictures::kOwn) << name;
  }
  const Recipe fusion = read_recipe(find_recipe("fusion"), Sizes::kModel);
  ASSERT_EQ(fusion.stages.size(), 3u);
  EXPECT_TRUE(fusion.tokenizer.empty());
  expect_error([] { find_recipe("no-such-recipe"); }, ErrorCode::kNotFound,
               {"no-such-recipe", "train/recipes"});
}

}  // namespace
}  // namespace moonbeam::train
