// Recipes: what a rule is, which one holds, what is refused.
#include "model/recipe.h"

#include <gtest/gtest.h>

#include "model/mode.h"
#include "model/synth.h"
#include "model/tensor_table.h"
#include "model/testing.h"

namespace moonbeam::model {
namespace {

using tensor::DType;
using testing::expect_error;

TEST(Recipe, TheFirstRuleThatFitsHolds) {
  const Recipe recipe = parse_recipe(
      "# what decides much\n"
      "\n"
      "  vision.blocks.3.*   bf16   # one block\n"
      "text.wte q8_0\r\n"
      "region.* keep\n"
      "*.fc2.weight int4\n"
      "* int8",
      "recipe");
  ASSERT_EQ(recipe.rules.size(), 5u);
  EXPECT_EQ(recipe.type_of("vision.blocks.3.mlp.fc2.weight"), DType::kBF16Packed);
  EXPECT_EQ(recipe.type_of("vision.blocks.30.mlp.fc2.weight"), DType::kInt4);
  EXPECT_EQ(recipe.type_of("vision.blocks.30.mlp.fc1.weight"), DType::kInt8);
  EXPECT_EQ(recipe.type_of("text.wte"), DType::kQ8_0);
  EXPECT_EQ(recipe.type_of("region.coord_encoder.weight"), std::nullopt);
}

TEST(Recipe, AStarStandsForAnyCharactersAndForNone) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*", "a"));
  EXPECT_TRUE(matches("a*c", "ac"));
  EXPECT_TRUE(matches("a*c", "abcc"));
  EXPECT_TRUE(matches("*.weight", "text.lm_head.weight"));
  EXPECT_TRUE(matches("text.*.weight", "text.blocks.0.attn.qkv.weight"));
  EXPECT_TRUE(matches("**", "x"));
  EXPECT_FALSE(matches("a*c", "abd"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("text", "text.wte"));
  EXPECT_FALSE(matches("*wte", "wte.weight"));
}

TEST(Recipe, WhatIsNoRuleIsRefusedNamingTheLine) {
  expect_error([] { parse_recipe("* int8\nfoo", "my.txt"); }, ErrorCode::kInvalidArgument,
               {"my.txt: line 2", "'foo'", "keep, bf16, int8, int4, q8_0"});
  expect_error([] { parse_recipe("* int3", "my.txt"); }, ErrorCode::kInvalidArgument, {"line 1", "int3"});
  expect_error([] { parse_recipe("* int8 int4", "my.txt"); }, ErrorCode::kInvalidArgument, {"line 1"});
  expect_error([] { parse_recipe("* q8_0", "my.txt"); }, ErrorCode::kInvalidArgument,
               {"line 1", "q8_0 is a type for text.wte alone"});
  EXPECT_TRUE(parse_recipe("", "empty").rules.empty());
  EXPECT_TRUE(parse_recipe("# only\n\n   \n", "remarks").rules.empty());
}

TEST(Recipe, PatternsThatFitNothingAreFound) {
  const Recipe recipe = parse_recipe("visoin.* bf16\ntext.* int8\n", "recipe");
  EXPECT_EQ(idle_patterns(recipe, {"text.wte", "vision.patch_emb.weight"}),
            std::vector<std::string>{"visoin.*"});
}

TEST(Recipe, TheBuiltInOnesGiveTheTypesOfTheirModes) {
  const std::vector<TensorSpec> table = tensor_table(synth_config("tiny"));
  for (const Mode mode : {Mode::kBF16, Mode::kInt8, Mode::kInt4}) {
    const Recipe recipe = parse_recipe(built_in_recipe(mode), "recipe");
    EXPECT_EQ(recipe_mode(recipe, table), mode);
    EXPECT_EQ(recipe.type_of("region.coord_decoder.fc1.weight"), DType::kBF16Packed);
    EXPECT_EQ(recipe.type_of("vision.patch_emb.weight"), DType::kBF16Packed);
  }
  const Recipe int4 = parse_recipe(built_in_recipe(Mode::kInt4), "recipe");
  EXPECT_EQ(int4.type_of("text.blocks.7.mlp.fc1.weight"), DType::kInt4);
  EXPECT_EQ(int4.type_of("text.blocks.7.attn.qkv.weight"), DType::kInt4);
  EXPECT_EQ(int4.type_of("text.blocks.0.mlp.fc1.weight"), DType::kInt8);
  EXPECT_EQ(int4.type_of("text.blocks.3.attn.qkv.weight"), DType::kInt8);
  EXPECT_EQ(int4.type_of("text.blocks.3.mlp.fc2.weight"), DType::kInt4);
  EXPECT_EQ(int4.type_of("text.blocks.10.attn.qkv.weight"), DType::kInt4);
  EXPECT_EQ(int4.type_of("vision.blocks.7.mlp.fc1.weight"), DType::kInt8);
  EXPECT_EQ(int4.type_of("text.lm_head.weight"), DType::kInt8);
  EXPECT_EQ(int4.type_of("text.wte"), DType::kQ8_0);
  EXPECT_TRUE(built_in_recipe(Mode::kF32).empty());
}

}  // namespace
}  // namespace moonbeam::model
