#include "train/recipe/recipe.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <moonbeam/error.h>

namespace moonbeam::train {
namespace {

constexpr std::string_view kSmall = R"(
[run]
seed = 3
precision = f32
tokenizer = ../tokenizer.json

[model]
crop = 56
patch = 14
overlap_margin = 1
image_grid = 2
max_crops = 1
vision_dim = 64
vision_heads = 1
vision_layers = 2
text_dim = 64
text_heads = 1
text_layers = 2
vocab = 300
bins = 128
coord_features = 32
size_features = 64

[stages]
text_loss = 1
bin_sigma = 9 -> 4

[stage.answer]
trains = all
scenes = 1600
vision_rate = 0.2
weight_count = 2

[stage.see]
trains = vision, heads
minutes = 2.5
pictures = windows
batch = 96
text_loss = 0
dense_loss = 1
classes = 20
widen = 50, 100
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refused(const std::string& from, const std::string& to) {
  std::string text(kSmall);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  try {
    parse_recipe(text, "small.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Recipe, RestylesWhereTheStageOrAllOfThemSaySo) {
  std::string text = replaced(std::string(kSmall), "text_loss = 1\n", "text_loss = 1\nrestyled = 0.5\n");
  text = replaced(text, "weight_count = 2\n", "weight_count = 2\nrestyled = 0.25\n");
  const Recipe recipe = parse_recipe(text, "small.toml");
  EXPECT_EQ(recipe.stages[0].scene.restyled, 0.25f);
  EXPECT_EQ(recipe.stages[0].window.restyled, 0.25f);
  EXPECT_EQ(recipe.stages[1].scene.restyled, 0.5f);
  EXPECT_EQ(parse_recipe(kSmall, "small.toml").stages[0].scene.restyled, 0);
}

TEST(Recipe, TakesDrawingsWithAttributionWhereAStageSaysSo) {
  const std::string text =
      replaced(std::string(kSmall), "weight_count = 2\n", "weight_count = 2\nattribution = true\n");
  const Recipe recipe = parse_recipe(text, "small.toml");
  EXPECT_TRUE(recipe.stages[0].attribution);
  EXPECT_FALSE(recipe.stages[1].attribution);
}

TEST(Recipe, KeepsStagesInTheirOrderOverWhatTheyShare) {
  const Recipe recipe = parse_recipe(kSmall, "folder/small.toml");
  EXPECT_EQ(recipe.seed, 3u);
  EXPECT_FALSE(recipe.bf16);
  EXPECT_EQ(recipe.tokenizer, "tokenizer.json");
  ASSERT_EQ(recipe.stages.size(), 2u);
  const Stage& answer = recipe.stages[0];
  EXPECT_EQ(answer.name, "answer");
  EXPECT_EQ(answer.length, Stage::Length::kScenes);
  EXPECT_EQ(answer.amount, 1600);
  EXPECT_EQ(answer.factor[0], 0.2);
  EXPECT_EQ(answer.loss.kinds[2], 2);
  EXPECT_EQ(answer.loss.bin_sigma, (Ramp{9, 4}));
  EXPECT_TRUE(answer.trains[static_cast<std::size_t>(Group::kText)]);
  const Stage& see = recipe.stages[1];
  EXPECT_EQ(see.length, Stage::Length::kMinutes);
  EXPECT_EQ(see.pictures, Stage::Pictures::kWindows);
  EXPECT_FALSE(see.trains[static_cast<std::size_t>(Group::kText)]);
  EXPECT_EQ(see.widen, (std::vector<int>{50, 100}));
}

TEST(Recipe, WidthsThatMustAgreeFollowFromOne) {
  const model::ModelConfig config = parse_recipe(kSmall, "small.toml").model;
  EXPECT_EQ(config.vision.proj_in_dim, 128);
  EXPECT_EQ(config.vision.proj_out_dim, 64);
  EXPECT_EQ(config.text.prefix_attn, 5);
  EXPECT_EQ(config.region->dim, 64);
  EXPECT_EQ(config.region->size_out_dim, 256);
  EXPECT_EQ(config.region->coord_divisor, 127);
}

TEST(Recipe, NamesTheLineOfWhatItCannotFollow) {
  EXPECT_EQ(refused("seed = 3", "sed = 3"), "small.toml:3: unknown key 'sed' in [run]");
  EXPECT_EQ(refused("minutes = 2.5", "minutes = 2.5\nsteps = 10"),
            "small.toml:36: minutes: expected one of steps, scenes and minutes, got '2.5'");
  EXPECT_EQ(refused("scenes = 1600\n", ""),
            "small.toml:28: [stage.answer]: expected steps, scenes or minutes above 0");
  EXPECT_EQ(
      refused("trains = all", "trains = eyes"),
      "small.toml:29: trains: expected all, or some of vision, projector, text, region, heads, got 'eyes'");
  EXPECT_EQ(refused("widen = 50, 100", "widen = 50, 20"),
            "small.toml:42: widen: expected growing numbers over classes = 20, got '50, 20'");
  EXPECT_EQ(refused("text_loss = 0\n", ""),
            "small.toml:34: [stage.see]: expected none with pictures = windows: no questions are asked about "
            "them");
  EXPECT_EQ(refused("dense_loss = 1", "align_loss = 1"),
            "small.toml:34: [stage.see]: expected a weight above 0 with pictures = windows: nothing else is "
            "learnt from them");
  EXPECT_EQ(refused("[stage.see]", "[sea]"),
            "small.toml:34: [sea]: expected [run], [model], [optimiser], [own], [stages] or [stage.NAME]");
  EXPECT_EQ(refused("scenes = 1600", "scenes = 1600\nscenes_share = 0.2"),
            "small.toml:31: scenes_share: expected none without pictures = own, got '0.2'");
  EXPECT_EQ(refused("pictures = windows", "pictures = own"),
            "small.toml:39: text_loss: expected a weight above 0 with pictures = own, got '0'");
  EXPECT_NE(refused("vision_heads = 1", "vision_heads = 5").find("small.toml: [model]: "), std::string::npos);
  EXPECT_THROW(parse_recipe("", "small.toml"), Error);
}

TEST(Recipe, AdaptersLearnAlone) {
  const std::string adapted = replaced(replaced(std::string(kSmall), "seed = 3", "seed = 3\nlora_rank = 8"),
                                       "trains = all", "trains = lora");
  const std::string one_stage = adapted.substr(0, adapted.find("[stage.see]"));
  const Recipe recipe = parse_recipe(one_stage, "small.toml");
  EXPECT_EQ(recipe.lora.rank, 8);
  EXPECT_EQ(recipe.lora.targets, (std::vector<std::string>{"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}));
  EXPECT_TRUE(recipe.stages[0].trains[static_cast<std::size_t>(Group::kLora)]);
  EXPECT_FALSE(recipe.stages[0].trains[static_cast<std::size_t>(Group::kText)]);
  const std::string some =
      replaced(one_stage, "lora_rank = 8", "lora_rank = 8\nlora_targets = attn.qkv, mlp.fc2");
  EXPECT_EQ(parse_recipe(some, "small.toml").lora.targets, (std::vector<std::string>{"attn.qkv", "mlp.fc2"}));
  EXPECT_EQ(refused("trains = all", "trains = lora"),
            "small.toml:29: trains: expected no lora without lora_rank in [run], got 'lora'");
  EXPECT_EQ(
      refused("seed = 3", "seed = 3\nlora_rank = 8"),
      "small.toml:30: trains: expected lora alone beside lora_rank: what it stands beside is frozen, got "
      "'all'");
  EXPECT_EQ(refused("seed = 3", "seed = 3\nlora_rank = 8\nlora_targets = attn.qkv, attn.qkv"),
            "small.toml:5: lora_targets: expected some of attn.qkv, attn.proj, mlp.fc1, mlp.fc2, got "
            "'attn.qkv, attn.qkv'");
  EXPECT_EQ(refused("seed = 3", "seed = 3\nlora_targets = attn.qkv"),
            "small.toml:4: lora_targets: expected lora_rank beside them, got 'attn.qkv'");
}

TEST(Recipe, HoldsAModelAgainstTheSizesThatItNames) {
  const Recipe recipe = parse_recipe(kSmall, "small.toml");
  model::ModelConfig same = recipe.model;
  same.vision.ff_dim = 3;  // not named
  EXPECT_NO_THROW(check_sizes(recipe, same, "model"));
  const auto message = [&](const model::ModelConfig& other) -> std::string {
    try {
      check_sizes(recipe, other, "model");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "nothing was thrown";
  };
  model::ModelConfig other = recipe.model;
  other.text.layers = 3;
  EXPECT_EQ(message(other),
            "small.toml: [model]: text_layers = 2, but model has 3; [model] may be left out with --init");
  other = recipe.model;
  other.region.reset();
  EXPECT_NE(message(other).find("but model has no region heads"), std::string::npos) << message(other);
}

TEST(Recipe, KeysStandBelowTheirSection) {
  EXPECT_NE(refused("\n[run]", "tokenizer = x\n[run]").find("small.toml:1: unknown key 'tokenizer'"),
            std::string::npos);
}

TEST(Recipe, AnyLossOfAnswersAsksQuestions) {
  Stage stage;
  stage.loss.dense = {1, 1};
  EXPECT_FALSE(stage.asks());
  for (Ramp* one : {&stage.loss.text, &stage.loss.coordinate, &stage.loss.size}) {
    for (const Ramp& some : {Ramp{0, 1}, Ramp{1, 0}}) {
      *one = some;
      EXPECT_TRUE(stage.asks());
    }
    *one = {};
  }
}

TEST(Recipe, OursCanBeRead) {
  int recipes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MOONBEAM_SOURCE_DIR "/train/recipes")) {
    if (entry.path().extension() != ".toml") continue;
    const Recipe recipe = read_recipe(entry.path().string());
    EXPECT_FALSE(recipe.stages.empty()) << entry.path();
    ++recipes;
  }
  EXPECT_GT(recipes, 0);
}

}  // namespace
}  // namespace moonbeam::train
