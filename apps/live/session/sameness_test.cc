#include "live/session/sameness.h"

#include <gtest/gtest.h>

namespace moonbeam::live {
namespace {

Image flat(int height, int width, int grey) {
  return {height, width,
          std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * 3),
                                    static_cast<std::uint8_t>(grey))};
}

void paint(Image& image, int x, int y, int side, int grey) {
  for (int row = y; row < y + side; ++row) {
    for (int column = x; column < x + side; ++column) {
      for (int channel = 0; channel < 3; ++channel) {
        image.pixels[static_cast<std::size_t>((row * image.width + column) * 3 + channel)] =
            static_cast<std::uint8_t>(grey);
      }
    }
  }
}

TEST(Sameness, APictureIsTheSameAsItself) {
  const Thumbnail one = thumbnail(flat(480, 640, 90));
  EXPECT_EQ(one[0], 90);
  EXPECT_EQ(one[kThumbSide * kThumbSide - 1], 90);
  EXPECT_TRUE(same_scene(one, one));
}

TEST(Sameness, TwoPercentOfAllGreysIsTheLimit) {
  const Thumbnail before = thumbnail(flat(480, 640, 90));
  EXPECT_TRUE(same_scene(before, thumbnail(flat(480, 640, 95))));   // 5 of 255 is under 2 %
  EXPECT_FALSE(same_scene(before, thumbnail(flat(480, 640, 96))));  // 6 is over
}

TEST(Sameness, OneSmallThingThatAppearsIsAChange) {
  Image image = flat(480, 640, 90);
  const Thumbnail before = thumbnail(image);
  paint(image, 320, 240, 24, 255);  // 1/500 of the picture
  EXPECT_FALSE(same_scene(before, thumbnail(image)));
}

TEST(Sameness, NoiseOfASensorIsNone) {
  Image image = flat(480, 640, 90);
  const Thumbnail before = thumbnail(image);
  unsigned seed = 1;
  for (auto& value : image.pixels) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(value + static_cast<int>(seed >> 24) % 17 - 8);
  }
  EXPECT_TRUE(same_scene(before, thumbnail(image)));
}

TEST(Sameness, TakesPicturesOfAnyShape) {
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 3000}, {63, 65}, {2000, 7}}) {
    const Thumbnail one = thumbnail(flat(height, width, 17));
    EXPECT_EQ(one[kThumbSide * kThumbSide / 2], 17);
  }
}

}  // namespace
}  // namespace moonbeam::live
