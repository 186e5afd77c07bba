#include "image/tiling.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

namespace moonbeam::image {
namespace {

TEST(Tiling, CutsLargePicturesIntoAtMostTwelveCrops) {
  EXPECT_EQ(select_tiling(600, 800, CropParams{}), (Tiling{2, 4}));
  EXPECT_EQ(select_tiling(500, 2000, CropParams{}), (Tiling{1, 6}));
  EXPECT_EQ(select_tiling(420, 500, CropParams{}), (Tiling{3, 3}));
}

TEST(Tiling, GivesOneCropWhereASideFitsTheCrop) {
  EXPECT_TRUE(select_tiling(378, 4000, CropParams{}).single());
  EXPECT_TRUE(select_tiling(100, 4000, CropParams{}).single());
  EXPECT_TRUE(select_tiling(65'535, 1, CropParams{}).single());
  EXPECT_FALSE(select_tiling(379, 4000, CropParams{}).single());
}

TEST(Tiling, TakesTheWindowFromTheParameters) {
  const CropParams small{.crop_size = 196, .patch_size = 14, .overlap_margin = 2, .max_crops = 1};
  EXPECT_EQ(small.window(), 140);
  EXPECT_EQ(small.margin(), 28);
  EXPECT_TRUE(select_tiling(700, 900, small).single());
  // The published rule overshoots its limit where a picture is long: four and more to one.
  EXPECT_EQ(select_tiling(200, 1116, small), (Tiling{1, 2}));
}

TEST(Tiling, RefusesParametersWithoutAWindow) {
  EXPECT_THROW(select_tiling(10, 10, CropParams{.crop_size = 112}), Error);
  EXPECT_THROW(select_tiling(10, 10, CropParams{.crop_size = 0}), Error);
  EXPECT_THROW(select_tiling(10, 10, CropParams{.patch_size = 0}), Error);
  EXPECT_THROW(select_tiling(10, 10, CropParams{.overlap_margin = -1}), Error);
  EXPECT_THROW(select_tiling(10, 10, CropParams{.max_crops = 0}), Error);
}

TEST(Tiling, OfThe2024ReleasesFollowsTheAspectRatio) {
  EXPECT_EQ(select_views_2024(600, 800, 378), (Tiling{2, 2}));
  EXPECT_EQ(select_views_2024(500, 2000, 378), (Tiling{1, 2}));
  EXPECT_EQ(select_views_2024(2000, 500, 378), (Tiling{2, 1}));
  EXPECT_EQ(select_views_2024(511, 511, 378), (Tiling{1, 1}));  // small pictures have no tiles
  EXPECT_EQ(select_views_2024(512, 512, 378), (Tiling{1, 1}));  // square: the nearer square
  EXPECT_EQ(select_views_2024(600, 600, 378), (Tiling{2, 2}));
}

}  // namespace
}  // namespace moonbeam::image
