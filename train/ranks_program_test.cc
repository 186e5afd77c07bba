// moonbeam-train as two processes that train together, as torchrun starts them: equal to one process, killed,
// interrupted, with the wrong variables.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "base/test_folder.h"
#include "base/text.h"
#include "formats/safetensors.h"
#include "train/own/testing.h"
#include "train/program_testing.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;
using nlohmann::json;
using testing::free_port;
using testing::log_of;
using testing::replaced;
using testing::wait_for;
using testing::wait_for_lines;

class TwoRanks : public ::testing::Test {
 protected:
  TwoRanks() { folder_.put("recipe.toml", testing::small_recipe()); }

  std::vector<std::string> training(const std::string& run, const std::string& recipe = "recipe.toml") const {
    return {recipe.ends_with(".toml") ? folder_ / recipe : recipe,
            "--out",
            folder_ / run,
            "--threads",
            "1",
            "--log-every",
            "1",
            "--quiet"};
  }
  /// A model that has learnt one step, pictures of one's own, and files that ask about them: what tuning()
  /// takes.
  void put_model_and_pictures() {
    std::vector<std::string> one_step = training("nothing");
    one_step.insert(one_step.end(), {"--steps", "1"});
    ASSERT_EQ(testing::run(one_step), 0);
    ASSERT_EQ(testing::run({"export", folder_ / "nothing", folder_ / "model", "--last", "--quiet"}), 0);
    testing::put_block_pictures(folder_);
    testing::put_block_questions(folder_);
  }
  /// Begins from the folder's "model" with its pictures and all of its files of questions.
  std::vector<std::string> tuning(const std::string& run, const std::string& recipe) const {
    std::vector<std::string> out = training(run, recipe);
    out.insert(out.end(), {"--init", folder_ / "model", "--images", folder_ / "pictures"});
    for (const char* file : {"llava.json", "coco.json", "samples.jsonl"})
      out.insert(out.end(), {"--data", folder_ / file});
    return out;
  }
  std::vector<std::string> resuming(const std::string& run) const {
    return {"--resume", folder_ / run, "--threads", "1", "--log-every", "1", "--quiet"};
  }
  std::vector<pid_t> start(const std::vector<std::string>& arguments) const {
    const std::string port = std::to_string(free_port());
    std::vector<pid_t> pids;
    for (const char* rank : {"0", "1"}) {
      pids.push_back(testing::start(arguments,
                                    {{"RANK", rank},
                                     {"LOCAL_RANK", rank},
                                     {"WORLD_SIZE", "2"},
                                     {"MASTER_ADDR", "127.0.0.1"},
                                     {"MASTER_PORT", port}},
                                    folder_ / ("errors." + std::string(rank))));
    }
    return pids;
  }
  std::vector<int> run(const std::vector<std::string>& arguments) const {
    std::vector<int> out;
    for (const pid_t pid : start(arguments)) out.push_back(wait_for(pid));
    return out;
  }
  /// The gradients of step 1 and all curves of `name`1, trained by one process, and of `name`2, by two.
  void expect_two_are_one(const std::string& name, std::vector<std::string> one,
                          std::vector<std::string> two) const;

  std::string errors(int rank) const {
    return base::read_file(folder_ / ("errors." + std::to_string(rank)), 1 << 20);
  }

  TestFolder folder_;
};

const std::vector<int> kBothFine = {0, 0};

double relative(const std::vector<double>& got, const std::vector<double>& want) {
  EXPECT_EQ(got.size(), want.size());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    difference += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);  // accuracies may be 0 all the way
}

/// First moments of a checkpoint: after one step, all that the gradients were.
std::vector<double> moments_of(const std::string& checkpoint) {
  const formats::WeightFile file = formats::open_safetensors(checkpoint);
  std::vector<double> out;
  for (const auto& [name, view] : file.tensors) {
    if (!name.starts_with("first.")) continue;
    std::vector<float> values(static_cast<std::size_t>(view.numel()));
    std::memcpy(values.data(), view.data, values.size() * sizeof(float));
    out.insert(out.end(), values.begin(), values.end());
  }
  return out;
}

/// Curves by name: losses, accuracies and the gradient's norm of steps; "validation.": those of validations.
std::map<std::string, std::vector<double>> curves_of(const std::string& run) {
  std::map<std::string, std::vector<double>> out;
  for (const json& line : log_of(run)) {
    const bool validation = line.contains("validation");
    const json& from = validation ? line["validation"] : line;
    const std::string prefix = validation ? "validation." : "";
    if (!from.contains("loss")) continue;
    for (const auto& [name, value] : from["loss"].items()) out[prefix + name].push_back(value);
    for (const char* name : {"patch_accuracy", "token_accuracy", "gradient_norm"}) {
      if (from.contains(name)) out[prefix + name].push_back(from[name]);
    }
  }
  return out;
}

std::vector<int> classes_of(const std::string& run) {
  std::vector<int> out;
  for (const json& line : log_of(run)) {
    if (line.contains("classes")) out.push_back(line["classes"]);
  }
  return out;
}

void TwoRanks::expect_two_are_one(const std::string& name, std::vector<std::string> one,
                                  std::vector<std::string> two) const {
  SCOPED_TRACE(name);
  one.insert(one.end(), {"--steps", "1"}), two.insert(two.end(), {"--steps", "1"});
  ASSERT_EQ(testing::run(one), 0);
  ASSERT_EQ(run(two), kBothFine) << errors(0) << errors(1);
  const std::string first = "checkpoint-000000001.safetensors";
  const double gradients =
      relative(moments_of(folder_ / (name + "2/" + first)), moments_of(folder_ / (name + "1/" + first)));
  EXPECT_LT(gradients, 1e-5);
  ASSERT_EQ(testing::run(resuming(name + "1")), 0);
  ASSERT_EQ(run(resuming(name + "2")), kBothFine) << errors(0) << errors(1);
  auto want = curves_of(folder_ / (name + "1")), got = curves_of(folder_ / (name + "2"));
  EXPECT_FALSE(want.empty());
  EXPECT_EQ(got.size(), want.size());
  for (const auto& [curve, values] : want) EXPECT_LT(relative(got[curve], values), 1e-5) << curve;
}

// One process takes a batch of 4, two take 2 each: the recipe's batch is that of all.
TEST_F(TwoRanks, AreOneWithTheDoubleBatch) {
  std::string text = testing::small_recipe();
  text = replaced(text, "classes = 5", "classes = 5\nwiden = 7\nwiden_above = 0");
  text = replaced(text, "batch = 2\nrate", "batch = 4\nrate");
  text = replaced(text, "steps = 16", "steps = 20");
  folder_.put("recipe.toml", text);
  // The stage of scenes alone: its first step has gradients of every part of the loss.
  const std::size_t see = text.find("[stage.see]"), answer = text.find("[stage.answer]");
  folder_.put("answer.toml", text.substr(0, see) + text.substr(answer));

  for (const std::string recipe : {"answer", "recipe"}) {
    expect_two_are_one(recipe, training(recipe + "1", recipe + ".toml"),
                       training(recipe + "2", recipe + ".toml"));
    EXPECT_EQ(classes_of(folder_ / (recipe + "2")), classes_of(folder_ / (recipe + "1")));
    EXPECT_EQ(classes_of(folder_ / (recipe + "1")).empty(), false);
  }
}

/// Values of a tensor of the file, in f32.
std::vector<double> values_of(const formats::WeightFile& file, const std::string& name) {
  const tensor::TensorView* view = file.find(name);
  if (view == nullptr) return {};
  std::vector<float> values(static_cast<std::size_t>(view->numel()));
  std::memcpy(values.data(), view->data, values.size() * sizeof(float));
  return {values.begin(), values.end()};
}

// The same for a model that is there already and for pictures of one's own with drawn ones among them: all of
// it learns, or adapters alone.
TEST_F(TwoRanks, AreOneWithTheDoubleBatchWhereAModelLearnsOwnPictures) {
  ASSERT_NO_FATAL_FAILURE(put_model_and_pictures());
  const std::string tune = R"(
[run]
seed = 5
precision = f32
validate_every = 5
validate_scenes = 4
checkpoint_every = 100
sample_every = 10

[own]
kept_out = 0.3
absent = 1

[stage.learn]
pictures = own
scenes_share = 0.3
steps = 20
batch = 4
trains = all
rate = 1e-3
rate_end = 2e-4
warm_up = 5
text_loss = 1
coordinate_loss = 0.4
size_loss = 0.4
bin_sigma = 4 -> 1
classes = 5
height = 112
width = 112
)";
  folder_.put("tune.toml", tune);
  folder_.put("lora.toml", replaced(replaced(tune, "trains = all", "trains = lora"), "seed = 5",
                                    "seed = 5\nlora_rank = 4\nlora_targets = attn.qkv, mlp.fc2"));
  for (const std::string recipe : {"tune", "lora"}) {
    expect_two_are_one(recipe, tuning(recipe + "1", recipe + ".toml"),
                       tuning(recipe + "2", recipe + ".toml"));
    EXPECT_TRUE(curves_of(folder_ / (recipe + "1")).contains("validation.text"));
  }
  // What rank 0 writes at the end.
  const formats::WeightFile one = formats::open_safetensors(folder_ / "lora1/adapter.safetensors"),
                            two = formats::open_safetensors(folder_ / "lora2/adapter.safetensors");
  ASSERT_EQ(one.tensors.size(), 8u);
  for (const formats::NamedTensor& tensor : one.tensors)
    EXPECT_LT(relative(values_of(two, tensor.name), values_of(one, tensor.name)), 1e-4) << tensor.name;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "tune2/adapter.safetensors"));
}

// Trouble with the pictures is rank 0's, which reads them first; the other one says what it was.
TEST_F(TwoRanks, BothSayWhichPictureIsMissing) {
  ASSERT_NO_FATAL_FAILURE(put_model_and_pictures());
  std::filesystem::remove(folder_ / "pictures/4.png");
  EXPECT_EQ(run(tuning("run", "finetune")), (std::vector<int>{3, 3}));
  for (const int rank : {0, 1}) EXPECT_NE(errors(rank).find("4.png"), std::string::npos) << errors(rank);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/recipe.toml"));
}

TEST_F(TwoRanks, TheOtherNamesTheOneThatWasKilledAndTheRunGoesOn) {
  ASSERT_EQ(run(training("whole")), kBothFine) << errors(0) << errors(1);
  for (const int killed : {1, 0}) {
    const std::string name = "killed" + std::to_string(killed);
    const std::vector<pid_t> pids = start(training(name));
    wait_for_lines(folder_ / name, 11);
    ::kill(pids[static_cast<std::size_t>(killed)], SIGKILL);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(wait_for(pids[static_cast<std::size_t>(killed)]), 1000 + SIGKILL);
    EXPECT_EQ(wait_for(pids[static_cast<std::size_t>(1 - killed)]), 3);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
    const std::string message = errors(1 - killed);
    EXPECT_NE(message.find(base::cat("rank ", killed, " (")), std::string::npos) << message;
    EXPECT_NE(message.find("is lost"), std::string::npos) << message;
    EXPECT_EQ(run(resuming(name)), kBothFine) << errors(0) << errors(1);
    EXPECT_EQ(log_of(folder_ / name), log_of(folder_ / "whole"));
  }
}

TEST_F(TwoRanks, AnInterruptOfOneStopsBothAndAnotherNumberGoesOn) {
  const std::vector<pid_t> pids = start(training("run"));
  wait_for_lines(folder_ / "run", 8);
  ::kill(pids[1], SIGTERM);
  EXPECT_EQ(wait_for(pids[0]), 0) << errors(0);
  EXPECT_EQ(wait_for(pids[1]), 128 + SIGTERM) << errors(1);
  const std::vector<json> before = log_of(folder_ / "run");
  ASSERT_FALSE(std::filesystem::exists(folder_ / "run/model")) << "it was over before it was stopped";
  EXPECT_EQ(testing::run(resuming("run")), 0);
  const std::vector<json> after = log_of(folder_ / "run");
  ASSERT_GT(after.size(), before.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));  // no step was done again
  std::int64_t steps = 0;
  for (const json& line : after) {
    if (line.contains("rate")) {
      EXPECT_EQ(line["step"], ++steps);
    }
  }
  EXPECT_EQ(steps, 20);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/model/model.safetensors"));
}

TEST_F(TwoRanks, SayWhatIsWrongWithOneOfThem) {
  folder_.put("recipe.toml", replaced(testing::small_recipe(), "batch = 2\nrate", "batch = 1\nrate"));
  // What is rank 0's own trouble is what the other one says too.
  EXPECT_EQ(run(training("run")), (std::vector<int>{2, 3}));
  for (const int rank : {0, 1})
    EXPECT_NE(errors(rank).find("2 ranks share a batch of 1"), std::string::npos) << errors(rank);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/recipe.toml"));
  folder_.put("recipe.toml", "[run]\nsed = 1\n");
  EXPECT_EQ(run(training("run")), (std::vector<int>{2, 3}));
  EXPECT_NE(errors(1).find("has ended: "), std::string::npos) << errors(1);
  EXPECT_NE(errors(1).find("sed"), std::string::npos) << errors(1);

  std::vector<std::string> hasty = training("run");
  hasty.insert(hasty.end(), {"--rank-timeout", "1"});
  const testing::Variables alone = {{"RANK", "0"},
                                    {"WORLD_SIZE", "2"},
                                    {"MASTER_ADDR", "127.0.0.1"},
                                    {"MASTER_PORT", std::to_string(free_port())}};
  EXPECT_EQ(wait_for(testing::start(hasty, alone, folder_ / "errors.0")), 3);
  EXPECT_NE(errors(0).find("rank 1 did not come"), std::string::npos) << errors(0);
  EXPECT_EQ(wait_for(testing::start(hasty, {{"RANK", "0"}}, folder_ / "errors.0")), 2);
  EXPECT_NE(errors(0).find("WORLD_SIZE"), std::string::npos) << errors(0);
}

}  // namespace
}  // namespace moonbeam::train
