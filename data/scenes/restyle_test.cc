#include "data/scenes/restyle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/scenes/atlas.h"
#include "data/scenes/sprite.h"

namespace moonbeam::data {
namespace {

Layer drawing(int sprite, float side) {
  static const LabelTable labels = LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv");
  static const Atlas atlas = Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels);
  const Sprite& picture = atlas.sprite(sprite);
  Warp warp;
  warp.scale = side / static_cast<float>(std::max(picture.width(), picture.height()));
  return warped(picture, warp);
}

TEST(Restyle, KeepsColoursBelowTheirAlphaAndMostOfWhatIsDrawn) {
  for (int i = 0; i < 300; ++i) {
    const Layer before = drawing(i, 20 + static_cast<float>(i % 80));
    Stream stream(7, 0, static_cast<std::uint64_t>(i), Part::kHand);
    const Layer after = restyle(before, stream);
    for (const Rgba p : after.pixels) ASSERT_LE(std::max({red(p), green(p), blue(p)}), alpha(p)) << i;
    const Extent was = owned_extent(before), is = owned_extent(after);
    EXPECT_GT(is.pixels, was.pixels / 2) << i;
    EXPECT_LT(is.pixels, was.pixels * 2) << i;
    EXPECT_LT(alpha(after.row(0)[0]), kOwnedAlpha) << i;  // nothing but tips may be cut off
  }
}

TEST(Restyle, IsTheSameForTheSameStreamAndAnotherForAnother) {
  const Layer before = drawing(5, 60);
  const auto with = [&](std::uint64_t index) {
    Stream stream(7, 0, index, Part::kHand);
    return restyle(before, stream).pixels;
  };
  EXPECT_EQ(with(1), with(1));
  EXPECT_NE(with(1), with(2));
}

TEST(Restyle, TakesTheSmallestAndTheLargest) {
  for (const int side : {1, 2, 3, 900}) {
    const Layer before(side, side, make_rgba(255, 255, 255));
    for (std::uint64_t index = 0; index < (side > 3 ? 8U : 50U); ++index) {
      Stream stream(7, 0, index, Part::kHand);
      const Layer after = restyle(before, stream);
      EXPECT_GE(after.width, 1);
      for (const Rgba p : after.pixels) ASSERT_LE(std::max({red(p), green(p), blue(p)}), alpha(p));
    }
  }
}

}  // namespace
}  // namespace moonbeam::data
