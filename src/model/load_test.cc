// Loading models: the parity and the starter model, what is refused and how.
#include <gtest/gtest.h>
#include <bit>

#include <cmath>

#include "base/error.h"
#include "model/model.h"

namespace moonbeam::model {
namespace {

const std::string kTiny = MOONBEAM_SOURCE_DIR "/tests/goldens/tiny";
const std::string kStarter = MOONBEAM_SOURCE_DIR "/tests/data/starter";

TEST(Load, ReadsTheParityModelFromItsFolder) {
  const auto model = load({.path = kTiny});
  EXPECT_EQ(model->name, "tiny");
  EXPECT_EQ(model->layout, "hf_2025");
  EXPECT_EQ(model->config.variant, "moonbeam");
  EXPECT_EQ(model->dtype, "f32");
  EXPECT_EQ(model->vision.blocks.size(), 2u);
  EXPECT_EQ(model->text.blocks.size(), 2u);
  ASSERT_TRUE(model->region);
  EXPECT_EQ(model->vision.proj_fc1.in(), 288);
  EXPECT_EQ(model->text.lm_head.out(), 1024);
  EXPECT_EQ(model->text.lm_head.bias[0], std::bit_cast<float>(0x407ef789u));
  EXPECT_EQ(model->config.text.prefix_attn, 730);
  EXPECT_EQ(model->config.prompts.query_suffix_count, 2);
  EXPECT_TRUE(model->notes.empty()) << model->notes.front();
}

TEST(Load, ReadsTheStarterWithItsOwnKeys) {
  const auto model = load({.path = kStarter});
  EXPECT_EQ(model->name, "starter");
  EXPECT_EQ(model->dtype, "bf16");
  EXPECT_EQ(model->parameters, 5697696);
  EXPECT_EQ(model->config.vision.image_grid, 7);
  EXPECT_EQ(model->config.vision.tiling, vision::Tiling::kOverlapCrops);
  EXPECT_EQ(model->config.region->coord_divisor, 1023);
  EXPECT_EQ(model->config.prompts.query_suffix_count, 1);
  EXPECT_EQ(model->tokenizer.added.size(), 10u);
}

}  // namespace
}  // namespace moonbeam::model
