// What is said about a model's accuracy: JSON there and back, bars, the rules that are proposed.
#include "model/accuracy.h"

#include <gtest/gtest.h>

namespace moonbeam::model {
namespace {

/// Errors of three image blocks, features, projector, two text blocks, logits.
ModelAccuracy measured(const std::vector<double>& e, double top1 = 1) {
  ModelAccuracy out{.mode = "int8", .positions = 100, .top1 = top1, .top1_bar = 0, .stages = {}};
  out.stages = {
      {"patch_embedding", -1, 0.001, 1, 0}, {"vit_block", 0, e[0], 1, 0},  {"vit_block", 1, e[1], 1, 0},
      {"vit_block", 2, e[2], 1, 0},         {"features", -1, e[3], 1, 0},  {"projector", -1, e[4], 1, 0},
      {"text_block", 0, e[5], 1, 0},        {"text_block", 1, e[6], 1, 0}, {"logits", -1, e[7], 0.5, 0}};
  set_bars(out, Mode::kInt8);
  return out;
}

TEST(Accuracy, ComesBackFromItsJson) {
  const ModelAccuracy before = measured({0.01, 0.0212345, 0.03, 0.03, 0.03, 0.04, 0.045, 0.049}, 0.975);
  const auto after = parse_accuracy(write_accuracy(before));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->mode, "int8");
  EXPECT_EQ(after->positions, 100);
  EXPECT_EQ(after->top1, 0.975);
  EXPECT_EQ(after->top1_bar, 0.97);
  ASSERT_EQ(after->stages.size(), before.stages.size());
  for (std::size_t i = 0; i < before.stages.size(); ++i) {
    EXPECT_EQ(after->stages[i].stage, before.stages[i].stage);
    EXPECT_EQ(after->stages[i].layer, before.stages[i].layer);
    EXPECT_NEAR(after->stages[i].error, before.stages[i].error, 5e-4 * before.stages[i].error);
    EXPECT_EQ(after->stages[i].bar, before.stages[i].bar);
  }
  EXPECT_EQ(write_accuracy(*after), write_accuracy(before));
}

TEST(Accuracy, OtherTextIsNotUnderstood) {
  for (const char* text :
       {"", "{}", "[]", "{\"mode\":1}", "nonsense", "{\"mode\":\"int8\",\"positions\":\"many\"}",
        "{\"mode\":\"int8\",\"positions\":1,\"top1\":1,\"stages\":[1]}"}) {
    EXPECT_FALSE(parse_accuracy(text)) << text;
  }
}

TEST(Accuracy, WithinTheBarsNothingIsSaid) {
  EXPECT_TRUE(missed_bars(measured({0.01, 0.02, 0.03, 0.05, 0.05, 0.04, 0.045, 0.05}, 0.97)).empty());
}

TEST(Accuracy, AMissedBarNamesTheBlocksWhereTheErrorGrows) {
  const auto said = missed_bars(measured({0.01, 0.08, 0.085, 0.09, 0.04, 0.041, 0.042, 0.043}));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("features: the error is 9 %, above the bar of 5 %"), std::string::npos) << said[0];
  EXPECT_NE(said[0].find("'vision.blocks.1.* bf16'"), std::string::npos) << said[0];
  EXPECT_EQ(said[0].find("vision.blocks.0"), std::string::npos) << said[0];
  const auto logits = missed_bars(measured({0.01, 0.02, 0.03, 0.03, 0.03, 0.04, 0.09, 0.2}, 0.5));
  ASSERT_EQ(logits.size(), 2u);
  EXPECT_NE(logits[0].find("'text.blocks.1.* bf16'"), std::string::npos) << logits[0];
  EXPECT_NE(logits[1].find("50 %"), std::string::npos) << logits[1];
}

}  // namespace
}  // namespace moonbeam::model
