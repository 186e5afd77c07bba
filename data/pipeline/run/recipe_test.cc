#include "data/pipeline/run/recipe.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "base/test_folder.h"
#include "data/pipeline/run/worker.h"

namespace moonbeam::pipeline {
namespace {

const std::string kRecipe =
    "[inputs]\nimages = pictures\ninstances = a.json, b.json\nnarratives = n.jsonl\n"
    "[models]\nwriters = mixtral@2:0.6, qwen:0.4\nvision = eyes\n"
    "[client]\nservers = servers.json\ntry_timeout_s = 3\nmoney = 12.5\n"
    "[plan]\nshard = 500\nchunk = 50\n[S3]\nquote = 5\n";

std::string fault_of(const std::string& text) {
  try {
    parse_run_recipe(text, "/x/run.toml");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(RunRecipe, ReadsWhatItSays) {
  RunRecipe recipe = parse_run_recipe(kRecipe, "/x/run.toml");
  EXPECT_EQ(recipe.inputs.images, "/x/pictures");
  EXPECT_EQ(recipe.inputs.files(), (std::vector<std::string>{"/x/a.json", "/x/b.json", "/x/n.jsonl"}));
  ASSERT_EQ(recipe.roles.writers.size(), 2u);
  EXPECT_EQ(recipe.roles.writers[0].model, "mixtral");
  EXPECT_EQ(recipe.roles.writers[0].revision, "2");
  EXPECT_EQ(recipe.roles.writers[1].share, .4);
  EXPECT_EQ(recipe.roles.judge.model, "mixtral") << "who writes also judges where nobody is named";
  EXPECT_EQ(recipe.roles.vision.model, "eyes");
  EXPECT_EQ(recipe.roles.embedder.model, "");
  EXPECT_EQ(recipe.client.try_timeout_ms, 3000);
  EXPECT_EQ(recipe.client.budget.money, 12.5);
  EXPECT_EQ(recipe.shard_pictures, 500);
  int quote = 0;
  recipe.stage("S3").read("quote", quote, 0, 10);
  EXPECT_EQ(quote, 5);
  EXPECT_FALSE(recipe.stage("S4").has("quote"));
}

TEST(RunRecipe, IsTheSamePipelineWhereOnlyInputsAndServersDiffer) {
  const auto identity = [](std::string text, const std::string& from, const std::string& to) {
    if (!from.empty()) text.replace(text.find(from), from.size(), to);
    return parse_run_recipe(text, "/x/run.toml").identity("p", "w");
  };
  const std::string same = identity(kRecipe, "", "");
  EXPECT_EQ(identity(kRecipe, "a.json", "c.json"), same);
  EXPECT_EQ(identity(kRecipe, "money = 12.5", "money = 13"), same);
  EXPECT_EQ(identity(kRecipe, "chunk = 50", "chunk = 50  # small"), same);
  EXPECT_NE(identity(kRecipe, "chunk = 50", "chunk = 51"), same);
  EXPECT_NE(identity(kRecipe, "quote = 5", "quote = 6"), same);
  EXPECT_NE(identity(kRecipe, "qwen", "gemma"), same);
  EXPECT_NE(parse_run_recipe(kRecipe, "/x/run.toml").identity("other", "w"), same);
}

TEST(RunRecipe, CommonOpeningsOfAnEarlierRunAreBanned) {
  const base::TestFolder folder;
  RunRecipe recipe;
  const std::string before = prompts_of(recipe).sha256();
  folder.put("report.json", R"({"run": {"question_openers": [["what color is the", 0.08],
    ["how many cups are", 0.01]], "caption_openers": [["here is a red", 0.06]]}})");
  recipe.openings = folder / "report.json";
  const Prompts prompts = prompts_of(recipe);
  const std::vector<std::string>& list = prompts.list("openings");
  EXPECT_EQ(std::vector<std::string>(list.end() - 2, list.end()),
            (std::vector<std::string>{"what color is the", "here is a red"}));
  EXPECT_NE(prompts.sha256(), before) << "it is another pipeline";
  folder.put("report.json", "{}");
  EXPECT_THROW(prompts_of(recipe), Error);
}

TEST(RunRecipe, FaultsNameTheirLine) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = kRecipe;
    text.replace(text.find(from), from.size(), to);
    return fault_of(text);
  };
  EXPECT_NE(with("chunk = 50", "chunk = 0").find("run.toml:14: chunk: expected"), std::string::npos);
  EXPECT_NE(with("money", "monye").find("unknown key 'monye'"), std::string::npos);
  EXPECT_NE(with("qwen:0.4", "qwen:x").find("writers"), std::string::npos);
  EXPECT_NE(with("[S3]", "[S16]").find("[S16]"), std::string::npos);
  EXPECT_NE(with("images = pictures\n", "").find("images"), std::string::npos);
  EXPECT_NE(fault_of("[inputs]\nimages = a\ncaptions = b\n").find("[models]"), std::string::npos);
}

}  // namespace
}  // namespace moonbeam::pipeline
