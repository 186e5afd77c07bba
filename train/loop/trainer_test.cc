// Whole runs at a size that takes seconds: they learn, they go on where they were stopped, they end in a
// model that the engine answers with.
#include "train/loop/trainer.h"

#include <gtest/gtest.h>
#include <moonbeam/model.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"
#include "formats/safetensors.h"
#include "model/testing.h"
#include "train/loop/pictures.h"
#include "train/loop/testing.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;
using nlohmann::json;
using testing::log_of;
using testing::one_thread;
using testing::replaced;

const std::string kSmoke = MOONBEAM_SOURCE_DIR "/train/recipes/smoke.toml";

std::string smoke_text() {
  return base::read_file(kSmoke, 1 << 20);
}

/// Two steps of windows, then scenes: short, but through every part.
std::string short_text() {
  std::string text = replaced(smoke_text(), "steps = 50", "steps = 6");
  text = replaced(text, "steps = 100", "steps = 10");
  text = replaced(text, "validate_every = 50", "validate_every = 4");
  text = replaced(text, "checkpoint_every = 50", "checkpoint_every = 5");
  text = replaced(text, "validate_scenes = 16", "validate_scenes = 4");
  text = replaced(text, "batch = 32", "batch = 4");
  text = replaced(text, "scene_batch = 8", "scene_batch = 2");
  return replaced(text, "batch = 8", "batch = 2");
}

void expect_same_weights(const std::string& a, const std::string& b) {
  const formats::WeightFile one = formats::open_safetensors(a), two = formats::open_safetensors(b);
  ASSERT_EQ(one.tensors.size(), two.tensors.size());
  for (std::size_t i = 0; i < one.tensors.size(); ++i) {
    const tensor::TensorView &x = one.tensors[i].view, &y = two.tensors[i].view;
    ASSERT_EQ(one.tensors[i].name, two.tensors[i].name);
    EXPECT_EQ(std::memcmp(x.data, y.data, static_cast<std::size_t>(x.bytes())), 0) << one.tensors[i].name;
  }
}

TEST(Trainer, ASlicedRunIsTheUnbrokenRunBitForBit) {
  const TestFolder folder;
  const std::string text = short_text();
  {
    Trainer whole(parse_recipe(text, kSmoke), RunFolder::create(folder / "whole"), one_thread());
    EXPECT_EQ(whole.run(), Ended::kFinished);
  }
  {
    // Cut in the first stage between windows and scenes, at its end, and in the second.
    TrainOptions options = one_thread();
    options.steps = 5;
    options.feeders = 3;
    Trainer first(parse_recipe(text, kSmoke), RunFolder::create(folder / "sliced"), options);
    EXPECT_EQ(first.run(), Ended::kStopped);
  }
  for (const std::int64_t steps : {1, 4, 0}) {
    TrainOptions options = one_thread();
    options.steps = steps;
    Trainer next(RunFolder::open(folder / "sliced"), options);
    EXPECT_EQ(next.run(), steps == 0 ? Ended::kFinished : Ended::kStopped);
  }
  EXPECT_EQ(log_of(folder / "whole"), log_of(folder / "sliced"));
  expect_same_weights(RunFolder::open(folder / "whole").checkpoints().front(),
                      RunFolder::open(folder / "sliced").checkpoints().front());
}

TEST(Trainer, LinesOfTheLogEndWithTheirStageAndTheirSlice) {
  const TestFolder folder;
  const std::string text = replaced(short_text(), "steps = 6", "steps = 7");
  TrainOptions options = one_thread();
  options.log_every = 3;
  {
    Trainer whole(parse_recipe(text, kSmoke), RunFolder::create(folder / "whole"), options);
    whole.run();
  }
  options.steps = 5;
  {
    Trainer first(parse_recipe(text, kSmoke), RunFolder::create(folder / "sliced"), options);
    first.run();
  }
  options.steps = 0;
  {
    Trainer rest(RunFolder::open(folder / "sliced"), options);
    rest.run();
  }
  const auto lines = [&](const std::string& run) {
    std::map<std::int64_t, json> out;
    for (const json& line : log_of(folder / run)) {
      if (line.contains("loss")) out[line["step"]] = line;
    }
    return out;
  };
  const std::map<std::int64_t, json> whole = lines("whole");
  std::map<std::int64_t, json> sliced = lines("sliced");
  std::vector<std::int64_t> steps;
  for (const auto& [step, line] : whole) {
    steps.push_back(step);
    EXPECT_EQ(line["stage"], step <= 7 ? "see" : "answer") << step;
    EXPECT_EQ(line["loss"].contains("text"), step > 7) << step;
    EXPECT_EQ(line["rate"], sliced[step]["rate"]) << step;
    if (step != 6) {
      EXPECT_EQ(line, sliced[step]) << step;
    }
  }
  EXPECT_EQ(steps, (std::vector<std::int64_t>{3, 6, 7, 9, 12, 15, 17}));
  EXPECT_EQ(sliced.size(), whole.size() + 1);
  EXPECT_TRUE(sliced.contains(5));
  expect_same_weights(RunFolder::open(folder / "whole").checkpoints().front(),
                      RunFolder::open(folder / "sliced").checkpoints().front());
}

TEST(Trainer, GoesBackToTheCheckpointBeforeABrokenOne) {
  const TestFolder folder;
  const std::string text = short_text();
  {
    Trainer trainer(parse_recipe(text, kSmoke), RunFolder::create(folder / "run"), one_thread());
    trainer.run();
  }
  const std::vector<std::string> checkpoints = RunFolder::open(folder / "run").checkpoints();
  ASSERT_EQ(checkpoints.size(), 2u);
  std::filesystem::resize_file(checkpoints[0], std::filesystem::file_size(checkpoints[0]) - 100);
  Trainer again(RunFolder::open(folder / "run"), one_thread());
  EXPECT_EQ(again.state().step, 15);
  EXPECT_EQ(again.run(), Ended::kFinished);
}

TEST(Trainer, AModelIsSavedWhileTheRunGoesOn) {
  const TestFolder folder;
  Trainer trainer(parse_recipe(short_text(), kSmoke), RunFolder::create(folder / "run"), one_thread());
  trainer.run();
  const std::vector<std::string> checkpoints = RunFolder::open(folder / "run").checkpoints();
  ASSERT_EQ(checkpoints.size(), 2u);
  std::filesystem::resize_file(checkpoints[0], std::filesystem::file_size(checkpoints[0]) - 100);

  TrainOptions options = one_thread();
  model::testing::expect_error([&] { Trainer(RunFolder::open(folder / "run"), options); },
                               ErrorCode::kExhausted, {"another process trains this run"});
  options.only_saves = true;
  Trainer saver(RunFolder::open(folder / "run"), options);
  EXPECT_EQ(saver.state().step, 15);
  saver.save_model(folder / "model", /*averaged=*/true, /*bf16=*/true);
  Model::load(folder / "model");
  EXPECT_EQ(RunFolder::open(folder / "run").checkpoints(), checkpoints)
      << "a file of a running process was moved";
}

TEST(Trainer, ACheckpointIsNotBlamedForBrokenData) {
  const TestFolder folder;
  const std::string labels = folder / "labels.tsv";
  std::filesystem::copy_file(data::find_data_folder() / "labels.tsv", labels);
  const std::string text = replaced(short_text(), "[run]", "[run]\ndata = " + folder.path());
  {
    Trainer trainer(parse_recipe(text, kSmoke), RunFolder::create(folder / "run"), one_thread());
    trainer.run();
  }
  const std::vector<std::string> checkpoints = RunFolder::open(folder / "run").checkpoints();
  ASSERT_EQ(checkpoints.size(), 2u);
  folder.put("labels.tsv", "no table of labels\n");
  model::testing::expect_error([&] { Trainer(RunFolder::open(folder / "run"), one_thread()); },
                               ErrorCode::kCorrupt, {"labels.tsv"});
  EXPECT_EQ(RunFolder::open(folder / "run").checkpoints(), checkpoints);
  EXPECT_FALSE(std::filesystem::exists(checkpoints[0] + ".broken"));
}

TEST(Trainer, GoesOnWhereAStepOrAValidationHasNothingToLearn) {
  const TestFolder folder;
  std::string text = replaced(short_text(), "dense_loss = 1", "dense_loss = 0 -> 0.3");
  text = replaced(
      text, "text_loss = 1\ncoordinate_loss = 0.25\nsize_loss = 0.2\ndense_loss = 0.3\nalign_loss = 0.3",
      "dense_loss = 1 -> 0");
  Trainer trainer(parse_recipe(text, kSmoke), RunFolder::create(folder / "run"), one_thread());
  EXPECT_EQ(trainer.run(), Ended::kFinished);
}

TEST(Trainer, StopsAtALossThatIsNotFiniteAndSaysWhere) {
  const TestFolder folder;
  {
    TrainOptions options = one_thread();
    options.steps = 8;
    Trainer trainer(parse_recipe(short_text(), kSmoke), RunFolder::create(folder / "run"), options);
    trainer.run();
  }
  const std::string good = RunFolder::open(folder / "run").checkpoints().front();
  testing::poison(good, "text.post_ln.weight", std::numeric_limits<float>::max());
  const auto written = std::filesystem::last_write_time(good);
  Trainer trainer(RunFolder::open(folder / "run"), one_thread());
  try {
    trainer.run();
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    const std::string message = error.what();
    EXPECT_NE(message.find("step 9 (answer, scenes "), std::string::npos) << message;
    EXPECT_NE(message.find("loss."), std::string::npos) << message;
    EXPECT_NE(message.find("checkpoint-000000008"), std::string::npos) << message;
  }
  EXPECT_EQ(std::filesystem::last_write_time(good), written);
  EXPECT_EQ(RunFolder::open(folder / "run").checkpoints().front(), good);
}

TEST(Trainer, WidensItsClassesWhenTheValidationSaysSo) {
  const TestFolder folder;
  const std::string text =
      replaced(short_text(), "classes = 5", "classes = 5\nwiden = 7, 9\nwiden_above = 0");
  Trainer trainer(parse_recipe(text, kSmoke), RunFolder::create(folder / "run"), one_thread());
  trainer.run();
  std::vector<int> widened;
  for (const json& line : log_of(folder / "run")) {
    if (line.contains("classes")) widened.push_back(line["classes"]);
  }
  // Once in the stage of windows, which has one validation, and twice in that of scenes.
  EXPECT_EQ(widened, (std::vector<int>{7, 7, 9}));
}

TEST(Trainer, LearnsInAMinute) {
  const TestFolder folder;
  TrainOptions options;
  options.threads = 1;
  options.quiet = true;
  Trainer trainer(parse_recipe(smoke_text(), kSmoke), RunFolder::create(folder / "run"), options);
  EXPECT_EQ(trainer.run(), Ended::kFinished);
  json first, last, validation;
  bool sampled = false;
  for (const json& line : log_of(folder / "run")) {
    if (line.contains("validation")) {
      validation = line["validation"];
    } else if (line.contains("sample")) {
      sampled = true;
    } else {
      if (line["stage"] == "answer" && first.is_null()) first = line;
      last = line;
    }
  }
  EXPECT_TRUE(sampled);
  EXPECT_LT(last["loss"]["text"].get<double>(), 1.1) << first << "\n" << last;
  EXPECT_LT(validation["loss"]["text"].get<double>(), 1.2) << validation;
}

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.x_max, b.x_max) - std::max(a.x_min, b.x_min);
  const double height = std::min(a.y_max, b.y_max) - std::max(a.y_min, b.y_min);
  if (width <= 0 || height <= 0) return 0;
  const auto area = [](const Box& box) { return (box.x_max - box.x_min) * (box.y_max - box.y_min); };
  return width * height / (area(a) + area(b) - width * height);
}

TEST(Trainer, LearnsEightScenesByHeart) {
  const TestFolder folder;
  std::string text = replaced(smoke_text(), "steps = 50", "steps = 1");
  text = replaced(text, "steps = 100", "steps = 500\ndistinct = 8");
  text = replaced(text, "bin_sigma = 9 -> 4", "bin_sigma = 4 -> 0.5");
  text = replaced(text, "coordinate_loss = 0.25", "coordinate_loss = 1");
  text = replaced(text, "size_loss = 0.2", "size_loss = 1");
  text = replaced(text, "sample_every = 75", "sample_every = 100000");
  text = replaced(text, "validate_every = 50", "validate_every = 100000");
  const Recipe recipe = parse_recipe(text, kSmoke);
  TrainOptions options;
  options.threads = 1;
  options.quiet = true;
  Trainer trainer(recipe, RunFolder::create(folder / "run"), options);
  trainer.run();
  trainer.save_model(folder / "model", /*averaged=*/true, /*bf16=*/false);

  LoadOptions load;
  load.mode = Mode::kF32;
  const Model model = Model::load(folder / "model", load);
  const Assets assets = load_assets(recipe);
  const Stage& stage = recipe.stages.back();
  int captions = 0, boxes = 0;
  for (std::uint64_t index = 0; index < 8; ++index) {
    const data::Scene scene = draw_scene(assets, stage, stage.classes, data::Split::kTrain, index);
    const EncodedImage image = model.encode_image(scene.image);
    for (const data::Question& question : ask_about(assets, stage, stage.classes, scene)) {
      if (question.kind == data::Kind::kCaption) {
        CaptionOptions caption;
        caption.length = question.length;
        EXPECT_EQ(model.caption(image, caption).caption, question.answer) << index;
        ++captions;
      } else if (question.kind == data::Kind::kDetect) {
        const std::vector<Box> found = model.detect(image, question.text);
        ASSERT_EQ(found.size(), question.targets.size()) << index << " " << question.text;
        for (std::size_t i = 0; i < found.size(); ++i, ++boxes) {
          EXPECT_GT(overlap(found[i], data::unit_box(scene, question.targets[i])), 0.9)
              << index << " " << question.text;
        }
      }
    }
  }
  EXPECT_GT(captions, 0);
  EXPECT_GT(boxes, 0);
}

}  // namespace
}  // namespace moonbeam::train
