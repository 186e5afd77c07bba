#include "image/crops.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <algorithm>

#include "image/patches.h"
#include "image/resize.h"
#include "image/test_pictures.h"

namespace moonbeam::image {
namespace {

using testing::noise;

// A window of 16 pixels with margins of 4 a side.
constexpr CropParams kSmall{.crop_size = 24, .patch_size = 4, .overlap_margin = 1, .max_crops = 6};

std::vector<std::uint8_t> window_of(const Image& image, int y, int x, int size) {
  std::vector<std::uint8_t> out;
  for (int row = y; row < y + size; ++row) {
    const auto from = image.pixels.begin() + (static_cast<std::ptrdiff_t>(row) * image.width + x) * 3;
    out.insert(out.end(), from, from + size * 3);
  }
  return out;
}

TEST(OverlapCrops, CutsWindowsThatShareTheirMargins) {
  const Image image = noise(60, 70, 3);
  const Crops crops = overlap_crops(image, kSmall);
  ASSERT_GT(crops.tiling.crops(), 2);
  ASSERT_EQ(crops.count, 1 + crops.tiling.crops());
  EXPECT_EQ(crops.distinct(), crops.count);
  const Image global = resize_lanczos(image, 24, 24);
  EXPECT_TRUE(std::equal(global.pixels.begin(), global.pixels.end(), crops.crop(0)));
  const Image local = resize_lanczos(image, crops.tiling.rows * 16 + 8, crops.tiling.cols * 16 + 8);
  for (int row = 0; row < crops.tiling.rows; ++row) {
    for (int col = 0; col < crops.tiling.cols; ++col) {
      const auto want = window_of(local, row * 16, col * 16, 24);
      EXPECT_TRUE(std::equal(want.begin(), want.end(), crops.crop(1 + row * crops.tiling.cols + col)));
    }
  }
}

TEST(OverlapCrops, SaysWhenTheOnlyLocalCropIsTheGlobalOne) {
  const Crops crops = overlap_crops(noise(20, 500, 3), kSmall);
  EXPECT_TRUE(crops.tiling.single());
  EXPECT_EQ(crops.count, 2);
  EXPECT_EQ(crops.distinct(), 1);
  EXPECT_TRUE(std::equal(crops.crop(0), crops.crop(1), crops.crop(1)));
}

TEST(OverlapCrops, RefusesAnEmptyPicture) {
  EXPECT_THROW(overlap_crops(Image{}, kSmall), Error);
}

TEST(SingleCrop, IsTheBicubicPicture) {
  const Image image = noise(50, 33, 4);
  const Crops crops = single_crop(image, 24);
  EXPECT_EQ(crops.count, 1);
  EXPECT_EQ(crops.distinct(), 1);
  EXPECT_EQ(crops.pixels, resize_bicubic(image, 24, 24).pixels);
}

TEST(Views2024, HaveOnlyTheGlobalViewForSmallPictures) {
  const Image image = noise(40, 60, 5);
  const Views views = views_2024(image, 24);
  EXPECT_EQ(views.count, 1);
  EXPECT_TRUE(views.tiling.single());
  const Image resized = resize_bicubic(image, 24, 24);
  for (std::size_t i = 0; i < resized.pixels.size(); ++i) {
    EXPECT_EQ(views.pixels[i], pixel_table()[resized.pixels[i]]);
  }
}

TEST(Views2024, AverageTheTilesIntoTheGlobalView) {
  const Image image = noise(600, 640, 6);
  const Views views = views_2024(image, 24);
  ASSERT_EQ(views.tiling, (Tiling{2, 2}));
  ASSERT_EQ(views.count, 5);
  const Image resized = resize_for_views_2024(image, 24);
  const auto normal = [&](int y, int x, int c) {
    return pixel_table()[resized.pixels[static_cast<std::size_t>((y * 48 + x) * 3 + c)]];
  };
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 24; ++x) {
      for (int c = 0; c < 3; ++c) {
        const float mean = (normal(2 * y, 2 * x, c) + normal(2 * y, 2 * x + 1, c) +
                            normal(2 * y + 1, 2 * x, c) + normal(2 * y + 1, 2 * x + 1, c)) /
                           4;
        EXPECT_NEAR(views.view(0)[(y * 24 + x) * 3 + c], mean, 1e-6f);
        EXPECT_EQ(views.view(4)[(y * 24 + x) * 3 + c], normal(24 + y, 24 + x, c));
      }
    }
  }
}

TEST(Views2024, AverageOneDirectionOfALongPicture) {
  const Views views = views_2024(noise(100, 640, 6), 24);
  EXPECT_EQ(views.tiling, (Tiling{1, 2}));
  EXPECT_EQ(views.count, 3);
  // Column 0 of the global view is the mean of the first tile's columns 0 and 1.
  EXPECT_NEAR(views.view(0)[0], (views.view(1)[0] + views.view(1)[3]) / 2, 1e-6f);
}

TEST(Patches, RunOverChannelsThenRowsThenColumns) {
  const int crop = 6, patch = 3;
  std::vector<std::uint8_t> pixels(crop * crop * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 2);
  std::vector<float> patches(4 * 27);
  ASSERT_EQ(patch_count(crop, patch) * patch_dim(patch), 4 * 27);
  patchify(pixels.data(), crop, patch, patches.data());
  std::vector<float> view;
  for (const std::uint8_t p : pixels) view.push_back(pixel_table()[p]);
  for (int row = 0; row < 2; ++row) {
    for (int col = 0; col < 2; ++col) {
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < 3; ++y) {
          for (int x = 0; x < 3; ++x) {
            const float got = patches[static_cast<std::size_t>((row * 2 + col) * 27 + c * 9 + y * 3 + x)];
            EXPECT_EQ(got, view[static_cast<std::size_t>(((row * 3 + y) * crop + col * 3 + x) * 3 + c)]);
          }
        }
      }
    }
  }
  std::vector<float> from_floats(4 * 27);
  patchify(view.data(), crop, patch, from_floats.data());
  EXPECT_EQ(from_floats, patches);
}

TEST(Patches, LeaveOutPixelsThatDoNotFillOne) {
  const std::vector<std::uint8_t> pixels(7 * 7 * 3, 255);
  std::vector<float> patches(4 * 27 + 1, 9.0f);
  patchify(pixels.data(), 7, 3, patches.data());
  EXPECT_EQ(patches[4 * 27 - 1], 1.0f);
  EXPECT_EQ(patches[4 * 27], 9.0f);
}

TEST(PixelTable, RunsFromMinusOneToOne) {
  EXPECT_EQ(pixel_table()[0], -1.0f);
  EXPECT_EQ(pixel_table()[255], 1.0f);
}

}  // namespace
}  // namespace moonbeam::image
