// The vectors of data.md 2.4 and what follows from them; tests/formats has a thousand masks against
// pycocotools.
#include "data/formats/rle.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <cmath>
#include <limits>
#include <random>

namespace moonbeam::data {
namespace {

using Runs = std::vector<std::uint32_t>;
using Ring = std::vector<double>;

TEST(RunLengths, MatchTheReferencesStrings) {
  const std::pair<Runs, std::string> vectors[] = {{{5, 2, 2, 2, 2, 2, 5}, "5220003"},
                                                  {{0, 2, 17, 1}, "02a0O"},
                                                  {{1000, 30, 970, 31, 969, 32, 96968}, "Xo0n0Zn01O1ogm2"}};
  for (const auto& [runs, text] : vectors) {
    EXPECT_EQ(compress_runs(runs), text);
    EXPECT_EQ(decompress_runs(text), runs);
  }
}

TEST(RunLengths, RefuseWhatNoWriterMakes) {
  EXPECT_THROW(decompress_runs("5 2"), Error);
  EXPECT_THROW(decompress_runs("X"), Error);                      // cut off
  EXPECT_THROW(decompress_runs("@"), Error);                      // negative
  EXPECT_THROW(decompress_runs("oooooooooooooooooooo0"), Error);  // more bits than a run has
  EXPECT_THROW(decompress_runs(std::string("\xff\x80")), Error);
}

TEST(RunLengths, ComeBackFromTheirString) {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    Runs runs(random() % 40);
    for (std::uint32_t& run : runs) run = static_cast<std::uint32_t>(random() >> random() % 32);
    EXPECT_EQ(decompress_runs(compress_runs(runs)), runs);
  }
}

/// Rows of '.' and '#'.
RunMask drawn(const std::vector<std::string>& rows) {
  std::vector<std::uint8_t> pixels;
  for (const std::string& row : rows) {
    for (const char c : row) pixels.push_back(c == '#');
  }
  return encode_mask(pixels, static_cast<int>(rows.size()), static_cast<int>(rows[0].size()));
}

TEST(Masks, MatchTheReferencesRunsAreasAndBoxes) {
  const RunMask block = drawn({".....", ".###.", ".###.", "....."});
  EXPECT_EQ(block.runs, (Runs{5, 2, 2, 2, 2, 2, 5}));
  EXPECT_EQ(mask_area(block), 6u);
  EXPECT_EQ(mask_box(block), (XywhBox{1, 1, 3, 2}));
  const RunMask corners = drawn({"#....", "#....", ".....", "....#"});
  EXPECT_EQ(corners.runs, (Runs{0, 2, 17, 1}));
  EXPECT_EQ(mask_area(corners), 3u);
  EXPECT_EQ(mask_box(corners), (XywhBox{0, 0, 5, 4}));
  EXPECT_EQ(drawn({"...", "..."}).runs, (Runs{6}));
  EXPECT_EQ(mask_box(drawn({"...", "..."})), XywhBox{});
}

TEST(Masks, BoxOfARunOverSeveralColumnsHasAllRows) {
  EXPECT_EQ(mask_box(drawn({"..#.", ".#..", ".#.."})), (XywhBox{1, 0, 2, 3}));
}

TEST(Masks, ComeBackFromTheirRuns) {
  std::mt19937 random(5);
  for (int i = 0; i < 100; ++i) {
    const int height = 1 + static_cast<int>(random() % 20), width = 1 + static_cast<int>(random() % 20);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width));
    for (std::uint8_t& pixel : pixels) pixel = random() % 3 == 0;
    EXPECT_EQ(decode_mask(encode_mask(pixels, height, width)), pixels);
  }
}

TEST(Masks, RunsOfFilesHaveToCoverThePicture) {
  EXPECT_EQ(checked_mask(4, 5, {5, 2, 13}).width, 5);
  EXPECT_THROW(checked_mask(4, 5, {5, 2, 12}), Error);
  EXPECT_THROW(checked_mask(4, 5, {5, 2, 14}), Error);
  EXPECT_THROW(checked_mask(4, 5, {}), Error);
  EXPECT_THROW(checked_mask(0, 5, {}), Error);
  EXPECT_THROW(checked_mask(-4, -5, {20}), Error);
  EXPECT_THROW(checked_mask(65'536, 1, {65'536}), Error);
  EXPECT_THROW(checked_mask(2, 2, {UINT32_MAX, 5, UINT32_MAX, 1}), Error);
}

TEST(Masks, MergeToUnionAndIntersection) {
  const RunMask masks[] = {drawn({"##..", "##.."}), drawn({".##.", "...."}), drawn({"....", ".#.#"})};
  EXPECT_EQ(merge_masks(masks), drawn({"###.", "##.#"}));
  EXPECT_EQ(merge_masks(std::span(masks, 2), true), drawn({".#..", "...."}));
  EXPECT_EQ(merge_masks(masks, true), drawn({"....", "...."}));
  const RunMask other = drawn({"##", ".."});
  EXPECT_THROW(mask_iou(masks[0], other, false), Error);
}

TEST(Masks, IntersectionIsDividedByTheUnionOrForCrowdsByTheDetection) {
  const RunMask detection = drawn({"##..", "##.."}), truth = drawn({".##.", ".##."});
  EXPECT_DOUBLE_EQ(mask_iou(detection, truth, false), 2.0 / 6);
  EXPECT_DOUBLE_EQ(mask_iou(detection, truth, true), 0.5);
  const RunMask none = drawn({"....", "...."});
  EXPECT_EQ(mask_iou(none, none, false), 0);
  EXPECT_EQ(mask_iou(none, truth, true), 0);
}

TEST(Boxes, MatchTheReferencesOverlaps) {
  EXPECT_NEAR(box_iou({10, 10, 20, 20}, {12, 12, 20, 20}, false), 0.680672, 1e-6);
  EXPECT_EQ(box_iou({10, 10, 20, 20}, {0, 0, 100, 100}, true), 1);
  EXPECT_EQ(box_iou({10, 10, 20, 20}, {30, 10, 20, 20}, false), 0);  // they touch
  EXPECT_EQ(box_iou({10, 10, 0, 20}, {0, 0, 100, 100}, true), 0);
}

TEST(Polygons, MatchTheReferencesRuns) {
  const Ring ring = {1, 1, 4, 1, 4, 3, 1, 3};
  EXPECT_EQ(polygon_mask(std::span(&ring, 1), 4, 5).runs, (Runs{5, 2, 2, 2, 2, 2, 5}));
  const Ring other_way_round = {1, 3, 4, 3, 4, 1, 1, 1};
  EXPECT_EQ(polygon_mask(std::span(&other_way_round, 1), 4, 5).runs, (Runs{5, 2, 2, 2, 2, 2, 5}));
}

TEST(Polygons, SeveralRingsAreOneMaskAndWhatSticksOutIsCutOff) {
  const std::vector<Ring> rings = {
      {0, 0, 2, 0, 2, 2, 0, 2}, {3, 2, 9, 2, 9, 9, 3, 9}, {-5, -5, -1, -5, -1, -1}};
  EXPECT_EQ(polygon_mask(rings, 4, 5), drawn({"##...", "##...", "...##", "...##"}));
}

TEST(Polygons, AreCloseToAScanlineFill) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> radius(40, 90);
  for (int i = 0; i < 20; ++i) {
    Ring ring;
    for (int corner = 0; corner < 12; ++corner) {
      const double r = radius(random), angle = corner * 2 * 3.14159265358979 / 12;
      ring.push_back(100 + r * std::cos(angle));
      ring.push_back(100 + r * std::sin(angle));
    }
    std::vector<std::uint8_t> pixels(200 * 200);
    for (int y = 0; y < 200; ++y) {
      for (int x = 0; x < 200; ++x) {
        bool inside = false;
        for (std::size_t a = 0, b = ring.size() - 2; a < ring.size(); b = a, a += 2) {
          if ((ring[a + 1] > y + 0.5) == (ring[b + 1] > y + 0.5)) continue;
          const double at =
              ring[a] + (y + 0.5 - ring[a + 1]) / (ring[b + 1] - ring[a + 1]) * (ring[b] - ring[a]);
          if (x + 0.5 < at) inside = !inside;
        }
        pixels[static_cast<std::size_t>(y * 200 + x)] = inside;
      }
    }
    EXPECT_GT(mask_iou(polygon_mask(std::span(&ring, 1), 200, 200), encode_mask(pixels, 200, 200), false),
              0.98);
  }
}

TEST(Polygons, RefuseWhatIsNoOutline) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Ring& ring : {Ring{}, Ring{1, 1, 2, 2}, Ring{1, 1, 2, 2, 3, 3, 4}, Ring{1, 1, nan, 2, 3, 3},
                           Ring{1, 1, 1e30, 2, 3, 3}, Ring{1, -1e9, 3, 2, 3, 3}}) {
    EXPECT_THROW(polygon_mask(std::span(&ring, 1), 4, 5), Error);
  }
  EXPECT_THROW(polygon_mask({}, 4, 5), Error);
  Ring endless;  // to and fro over the whole width, outside and inside
  for (int i = 0; i < 1000; ++i)
    endless.insert(endless.end(), {i % 2 == 0 ? -60'000.0 : 60'000.0, i % 7 * 1.0});
  EXPECT_THROW(polygon_mask(std::span(&endless, 1), 10, 10), Error);
  // All in one point: nothing is inside.
  const Ring point = {2, 2, 2, 2, 2, 2};
  EXPECT_EQ(polygon_mask(std::span(&point, 1), 4, 5).runs, Runs{20});
}

}  // namespace
}  // namespace moonbeam::data
