#include <gtest/gtest.h>

#include "data/scenes/test_scenes.h"
#include "eval/metrics/answers.h"
#include "eval/metrics/boxes.h"
#include "eval/metrics/rate.h"

namespace moonbeam::eval {
namespace {

Box from_size(double x, double y, double width, double height) {
  return {x, y, x + width, y + height};
}

TEST(Iou, MatchesTheVectors) {
  EXPECT_NEAR(iou(from_size(10, 10, 20, 20), from_size(12, 12, 20, 20)), 0.680672, 1e-6);
  EXPECT_DOUBLE_EQ(iou_crowd(from_size(10, 10, 20, 20), from_size(0, 0, 100, 100)), 1.0);
  EXPECT_EQ(iou({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
}

TEST(Answers, AreReadAsAWordAndAsASentence) {
  EXPECT_EQ(read_yes_no("yes"), true);
  EXPECT_EQ(read_yes_no(" No."), false);
  EXPECT_EQ(read_yes_no("Yes, there is a dog."), true);
  EXPECT_EQ(read_yes_no("There is a dog."), std::nullopt);
  EXPECT_EQ(read_count("Three."), 3);
  EXPECT_EQ(read_count("There are 5 cups."), 5);
  EXPECT_EQ(read_count("None."), 0);
  EXPECT_EQ(read_count("There are no cups."), 0);
  EXPECT_EQ(read_count("many"), std::nullopt);
  EXPECT_EQ(read_side("The dog is left of the cup."), "left");
  EXPECT_EQ(read_side("Below."), "below");
  EXPECT_EQ(read_side("beside"), "");
  EXPECT_TRUE(is_refusal("There is no ladder in the picture."));
  EXPECT_TRUE(is_refusal("There are no scissors."));
  EXPECT_FALSE(is_refusal("Red."));
}

TEST(NamesColour, LooksAtEveryWordAndAtWholeOnes) {
  EXPECT_TRUE(names_colour("The credit card is red.", "red"));
  EXPECT_TRUE(names_colour("Red", "red"));
  EXPECT_FALSE(names_colour("Reddish.", "red"));
  EXPECT_FALSE(names_colour("The credit card is blue.", "red"));
  EXPECT_FALSE(names_colour("", "red"));
}

TEST(SeenThings, LeaveOutWhatIsSaidToBeAbsent) {
  const data::LabelTable& labels = data::test_labels();
  const std::vector<data::Mention> things = seen_things("There is no cat, but two dogs.", labels);
  ASSERT_EQ(things.size(), 1U);
  EXPECT_EQ(things[0].label, data::test_label("dog"));
  EXPECT_TRUE(seen_things("No cat.", labels).empty());
}

TEST(MatchBoxes, PairsEachBoxOnce) {
  const Box truth[] = {from_size(0, 0, 10, 10), from_size(20, 0, 10, 10)};
  const Box found[] = {from_size(1, 0, 10, 10), from_size(0, 0, 10, 10), from_size(50, 50, 5, 5)};
  const Matches matches = match_boxes(found, truth);
  EXPECT_EQ(matches.hits, 1);
  EXPECT_DOUBLE_EQ(matches.f1(), 2.0 / 5);
  EXPECT_DOUBLE_EQ(match_boxes({}, {}).f1(), 1);
}

TEST(MatchPoints, FindsTheLargestNumberOfPairs) {
  // The first point is in both boxes, the second in one: both boxes are hit only if it is left to that one.
  const Box truth[] = {from_size(0, 0, 10, 10), from_size(5, 0, 10, 10)};
  const Point found[] = {{7, 5}, {2, 5}};
  EXPECT_EQ(match_points(found, truth).hits, 2);
}

TEST(Rate, HoldsItsValueWithinItsInterval) {
  Rate rate;
  for (int i = 0; i < 400; ++i) rate.add(i % 4 == 0, 1);
  EXPECT_DOUBLE_EQ(rate.value(), 0.25);
  const Interval interval = rate.interval();
  EXPECT_NEAR(interval.low, 0.21, 0.01);
  EXPECT_NEAR(interval.high, 0.29, 0.01);
  EXPECT_EQ(Rate().value(), 0);
}

}  // namespace
}  // namespace moonbeam::eval
