#include "image/resize.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include "image/resample_weights.h"
#include "image/test_pictures.h"

namespace moonbeam::image {
namespace {

using testing::make_image;
using testing::noise;

std::uint64_t fnv1a(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

struct Case {
  int height, width, out_height, out_width;
  Filter filter;
  std::uint64_t hash;  // FNV-1a of what Pillow 10.4.0 makes of noise(height, width, 1000 height + width)
};

constexpr Case kPillow[] = {
    {30, 40, 98, 98, Filter::kLanczos, 0x7f59d53981864245},
    {97, 61, 40, 40, Filter::kLanczos, 0x0e4d67f2757fa029},
    {200, 300, 64, 31, Filter::kLanczos, 0x8d035b6e3dbc18bd},
    {64, 64, 64, 64, Filter::kLanczos, 0x5a386f6fa02a6009},
    {64, 50, 64, 99, Filter::kLanczos, 0x25a54fd63bcbb6e8},
    {33, 64, 70, 64, Filter::kLanczos, 0xe0ba0927c8fa922f},
    {1, 1, 7, 5, Filter::kLanczos, 0xac18e14b8a187466},
    {1, 2000, 28, 28, Filter::kLanczos, 0x8bf7e4e7550daedd},
    {2000, 1, 28, 28, Filter::kLanczos, 0x03d56edea3ba784d},
    {1500, 7, 20, 90, Filter::kLanczos, 0xdff16e049b222032},
    {9, 900, 70, 13, Filter::kLanczos, 0x1ae6dc3bc5dd0b08},
    {500, 2, 3, 1, Filter::kLanczos, 0xebae29176dde1bca},
    {30, 40, 98, 98, Filter::kBicubic, 0x62c8c8ca06203f16},
    {97, 61, 40, 40, Filter::kBicubic, 0x68d451525b2ec1bf},
    {200, 300, 64, 31, Filter::kBicubic, 0x3141bb140a635739},
    {64, 64, 64, 64, Filter::kBicubic, 0x5a386f6fa02a6009},
    {64, 50, 64, 99, Filter::kBicubic, 0xa9e2ca487d0c45d0},
    {33, 64, 70, 64, Filter::kBicubic, 0xd8b53c08673e066f},
    {1, 1, 7, 5, Filter::kBicubic, 0xac18e14b8a187466},
    {1, 2000, 28, 28, Filter::kBicubic, 0x289521bf2b419095},
    {2000, 1, 28, 28, Filter::kBicubic, 0x35d959c0cb368b19},
    {1500, 7, 20, 90, Filter::kBicubic, 0xa0826607f76e57e1},
    {9, 900, 70, 13, Filter::kBicubic, 0x9b9108c6018db23b},
    {500, 2, 3, 1, Filter::kBicubic, 0x99ee23ed8f5adab3},
};

TEST(Resize, EqualsPillowToTheBit) {
  for (const Case& c : kPillow) {
    const Image image = noise(c.height, c.width, static_cast<std::uint64_t>(c.height * 1000 + c.width));
    EXPECT_EQ(fnv1a(resize(image, c.out_height, c.out_width, c.filter).pixels), c.hash)
        << c.height << "x" << c.width << " to " << c.out_height << "x" << c.out_width;
  }
}

TEST(Resize, EqualsThePlainLoops) {
  testing::Random random(11);
  const auto side = [&](std::uint32_t limit) { return 1 + static_cast<int>(random.below(limit)); };
  for (int i = 0; i < 60; ++i) {
    const Image image = noise(side(90), side(90), random.next());
    const int height = side(120), width = side(120);
    const Filter filter = i % 2 == 0 ? Filter::kLanczos : Filter::kBicubic;
    EXPECT_EQ(resize(image, height, width, filter).pixels,
              resize_reference(image, height, width, filter).pixels)
        << image.height << "x" << image.width << " to " << height << "x" << width;
  }
}

TEST(Resize, EqualsThePlainLoopsWhereManyInputsMakeOneOutput) {
  for (const auto& [height, width] : {std::pair{1, 65'535}, {65'535, 1}, {3, 20'000}, {4'001, 9}}) {
    const Image image = noise(height, width, 5);
    EXPECT_EQ(resize_lanczos(image, 5, 3).pixels, resize_reference(image, 5, 3, Filter::kLanczos).pixels);
  }
}

TEST(Resize, KeepsSaturatedPicturesSaturated) {
  // The largest sums: white under weights whose positive part is far above one.
  for (const std::uint8_t level : std::vector<std::uint8_t>{0, 255}) {
    const Image image = make_image(50, 70, std::vector<std::uint8_t>(50 * 70 * 3, level));
    for (const std::uint8_t got : resize_lanczos(image, 64, 33).pixels) EXPECT_EQ(got, level);
  }
}

TEST(Resize, LeavesAPictureOfTheRightSizeAlone) {
  const Image image = noise(20, 30, 1);
  EXPECT_EQ(resize_lanczos(image, 20, 30).pixels, image.pixels);
  EXPECT_EQ(resize_bicubic(image, 20, 30).pixels, image.pixels);
}

TEST(Resize, RefusesSizesBelowOne) {
  const Image image = noise(2, 2, 1);
  for (const auto& [height, width] : {std::pair{0, 1}, {1, 0}, {-1, 4}}) {
    EXPECT_THROW(resize_lanczos(image, height, width), Error);
  }
  EXPECT_THROW(resize_lanczos(Image{}, 1, 1), Error);
  Image lying = image;
  lying.height = 3;
  EXPECT_THROW(resize_lanczos(lying, 1, 1), Error);
}

TEST(ResampleWeights, SumToOneAndStayInside) {
  for (const auto& [inputs, outputs] :
       {std::pair{1, 378}, {378, 378}, {4000, 378}, {65'535, 14}, {377, 378}}) {
    const ResampleWeights weights = make_resample_weights(inputs, outputs, Filter::kLanczos);
    for (std::size_t x = 0; x < static_cast<std::size_t>(outputs); ++x) {
      ASSERT_GE(weights.first[x], 0);
      ASSERT_GE(weights.count[x], 1);
      ASSERT_LE(weights.first[x] + weights.count[x], inputs);
      std::int64_t sum = 0;
      for (int j = 0; j < weights.taps; ++j) sum += weights.row(static_cast<int>(x))[j];
      EXPECT_NEAR(static_cast<double>(sum), 1 << kWeightBits, weights.taps);
    }
  }
}

}  // namespace
}  // namespace moonbeam::image
