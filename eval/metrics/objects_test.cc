#include <gtest/gtest.h>

#include <vector>

#include "eval/metrics/coco_ap.h"
#include "eval/metrics/pointing.h"

namespace moonbeam::eval {
namespace {

const std::vector<GoldBox> kGold = {{1, 1, {10, 10, 40, 40}, 1600, false},
                                    {1, 1, {100, 100, 50, 50}, 2500, false},
                                    {2, 1, {0, 0, 200, 100}, 20000, true},
                                    {2, 1, {220, 50, 30, 30}, 900, false},
                                    {2, 2, {5, 5, 60, 60}, 3600, false}};
const std::vector<DetectedBox> kDetections = {{1, 1, {12, 12, 40, 40}, .9},   {1, 1, {10, 10, 38, 38}, .8},
                                              {1, 1, {110, 100, 50, 50}, .7}, {2, 1, {20, 20, 30, 30}, .95},
                                              {2, 1, {221, 51, 30, 30}, .6},  {2, 2, {300, 300, 20, 20}, .5}};

TEST(CocoScores, MatchTheVector) {
  const CocoScores out = coco_scores(kGold, kDetections);
  EXPECT_NEAR(out.ap, .266832, 1e-6);
  EXPECT_NEAR(out.ap50, .417079, 1e-6);
  EXPECT_NEAR(out.ap75, .250000, 1e-6);
  EXPECT_NEAR(out.ap_small, .8, 1e-6);
  EXPECT_NEAR(out.ap_medium, .267987, 1e-6);
  EXPECT_EQ(out.ap_large, -1);
  EXPECT_NEAR(out.ar1, .116667, 1e-6);
  EXPECT_NEAR(out.ar10, .35, 1e-6);
  EXPECT_NEAR(out.ar100, .35, 1e-6);
  EXPECT_NEAR(out.ar_small, .8, 1e-6);
  EXPECT_NEAR(out.ar_medium, .325, 1e-6);
  EXPECT_EQ(out.ar_large, -1);
}

TEST(CocoScores, OfNothingAreNone) {
  EXPECT_EQ(coco_scores({}, kDetections).ap, -1);
  EXPECT_EQ(coco_scores(kGold, {}).ap, 0);
}

TEST(MoondreamMap, AveragesOverPicturesAndTheirClasses) {
  // Picture 1: one of two found, with a box too many in between; picture 2: its small box of class 1, and not
  // the one of class 2.
  const std::vector<DetectedBox> given = {
      {1, 1, {10, 10, 40, 40}}, {1, 1, {300, 300, 5, 5}}, {2, 1, {220, 50, 30, 30}}, {7, 1, {0, 0, 5, 5}}};
  const double first = 6.0 / 11;  // recalls 0 to 0.5 at precision 1
  EXPECT_NEAR(moondream_map(kGold, given), (first + 1 + 0) / 3, 1e-12);
}

TEST(RefCoco, LooksAtTheFirstBox) {
  const Box gold{0, 0, .5, .5};
  EXPECT_TRUE(refcoco_correct(std::vector<Box>{{0, 0, .5, .45}, {.9, .9, 1, 1}}, gold));
  EXPECT_FALSE(refcoco_correct(std::vector<Box>{{.9, .9, 1, 1}, gold}, gold));
  EXPECT_FALSE(refcoco_correct({}, gold));
}

TEST(CheapestAssignment, IsTheCheapestInAll) {
  EXPECT_EQ(cheapest_assignment({1, 2, 2, 100}, 2, 2), (std::vector<int>{1, 0}));
  EXPECT_EQ(cheapest_assignment({5, 1, 3, 1, 2, 9}, 2, 3), (std::vector<int>{1, 0}));
  EXPECT_TRUE(cheapest_assignment({}, 0, 3).empty());
}

TEST(MultiPoint, PairsPointsAndThingsOnce) {
  const std::vector<PointTarget> targets = {box_target({0, 0, .2, .2}), box_target({.5, .5, .7, .7})};
  PointScore out = multi_point(std::vector<Point>{{.1, .1}, {.6, .6}}, targets);
  EXPECT_EQ(out.f1, 1);
  out = multi_point(std::vector<Point>{{.1, .1}, {.12, .1}, {.11, .1}}, targets);
  EXPECT_NEAR(out.precision, 1.0 / 3, 1e-12);
  EXPECT_NEAR(out.recall, 1.0 / 2, 1e-12);
  EXPECT_NEAR(out.f1, 0.4, 1e-12);
  EXPECT_EQ(multi_point({}, targets).f1, 0);
  EXPECT_EQ(multi_point({}, {}).f1, 1);
  EXPECT_EQ(multi_point(std::vector<Point>{{.1, .1}}, {}).f1, 0);
}

TEST(StrictPoint, WantsTheFirstOrAll) {
  const std::vector<PointTarget> targets = {box_target({0, 0, .2, .2}), box_target({.5, .5, .7, .7})};
  const std::vector<Point> both = {{.2, .2}, {.6, .6}}, second = {{.9, .9}, {.1, .1}};
  EXPECT_TRUE(strict_point(both, targets, true));
  EXPECT_FALSE(strict_point(second, targets, false));
  EXPECT_FALSE(strict_point(std::vector<Point>{{.1, .1}}, targets, true));
  EXPECT_TRUE(strict_point(std::vector<Point>{{.1, .1}}, targets, false));
  EXPECT_FALSE(strict_point({}, targets, false));
}

TEST(NaturalBench, HasFourAccuracies) {
  const std::vector<std::array<std::array<bool, 2>, 2>> groups = {{{{true, true}, {true, false}}},
                                                                  {{{true, true}, {true, true}}}};
  const NaturalScores out = natural_scores(groups);
  EXPECT_EQ(out.accuracy, 7.0 / 8);
  EXPECT_EQ(out.question, 3.0 / 4);
  EXPECT_EQ(out.picture, 3.0 / 4);
  EXPECT_EQ(out.group, 1.0 / 2);
}

}  // namespace
}  // namespace moonbeam::eval
