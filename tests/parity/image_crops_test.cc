// Picture -> crops -> patch vectors against the reference's: bytes equal where the picture is lossless.
// Golden data and bounds: tests/goldens/README.md sections 2, 4 and 5.
#include <gtest/gtest.h>
#include <moonbeam/image.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "image/crops.h"
#include "image/patches.h"
#include "image/resize.h"
#include "support/golden.h"

namespace moonbeam::image {
namespace {

using nlohmann::json;
using testing::GoldenTensors;
using testing::read_json;
using testing::test_path;

std::int64_t sum(std::span<const std::uint8_t> bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
}

std::span<const std::uint8_t> crop_bytes(const Crops& crops, int index) {
  return {crops.crop(index), static_cast<std::size_t>(crops.crop_size) * crops.crop_size * 3};
}

class GoldenCrops : public ::testing::TestWithParam<std::string> {
 protected:
  const std::string stem_ = GetParam();
  const json golden_ = read_json(test_path("goldens/tiny/results.json"))[stem_];
  const std::string file_ = golden_["file"];
  const bool lossless_ = file_.ends_with(".png");
  const Image image_ = load_image(test_path("goldens/images/" + file_));
  const Image stored_ = load_image(test_path("goldens/tiny/" + stem_ + ".crops.png"));
};

TEST_P(GoldenCrops, EqualTheReferencesPixels) {
  EXPECT_EQ(image_.width, golden_["size_wh"][0]);
  EXPECT_EQ(image_.height, golden_["size_wh"][1]);
  const Crops crops = overlap_crops(image_, {});
  EXPECT_EQ(crops.tiling.rows, golden_["tiling_rows_cols"][0]);
  EXPECT_EQ(crops.tiling.cols, golden_["tiling_rows_cols"][1]);
  EXPECT_EQ(crops.count, golden_["crops"]);
  EXPECT_EQ(crops.distinct(), crops.tiling.single() ? 1 : crops.count);
  ASSERT_EQ(crops.pixels.size(), stored_.pixels.size());
  if (lossless_) {
    EXPECT_TRUE(crops.pixels == stored_.pixels);
    for (int i = 0; i < crops.count; ++i) EXPECT_EQ(sum(crop_bytes(crops, i)), golden_["crop_sum"][i]);
    return;
  }
  int worst = 0;  // JPEG decoders differ by a level or two
  for (std::size_t i = 0; i < crops.pixels.size(); ++i) {
    worst = std::max(worst, std::abs(int{crops.pixels[i]} - int{stored_.pixels[i]}));
  }
  EXPECT_LE(worst, 3);
  RecordProperty("worst_difference", worst);
}

TEST_P(GoldenCrops, GiveTheReferencesPatchVectors) {
  const GoldenTensors acts(test_path("goldens/tiny/" + stem_ + ".acts.safetensors"));
  const std::vector<float> want = acts.floats("patches");  // [n, 4, 588]
  constexpr int kPatch = 14, kCrop = 378, kRows[] = {0, 1, 27, 728};
  const int count = stored_.height / kCrop;
  std::vector<float> patches(static_cast<std::size_t>(patch_count(kCrop, kPatch)) * patch_dim(kPatch));
  ASSERT_EQ(want.size(), static_cast<std::size_t>(count) * 4 * patch_dim(kPatch));
  const float* expected = want.data();
  for (int crop = 0; crop < count; ++crop) {
    patchify(stored_.pixels.data() + static_cast<std::size_t>(crop) * kCrop * kCrop * 3, kCrop, kPatch,
             patches.data());
    for (const int row : kRows) {
      const float* got = patches.data() + static_cast<std::size_t>(row) * patch_dim(kPatch);
      EXPECT_TRUE(std::equal(got, got + patch_dim(kPatch), expected)) << "crop " << crop << " patch " << row;
      expected += patch_dim(kPatch);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Images, GoldenCrops,
                         ::testing::Values("tiny_40x30", "square_378x378", "wide_800x600", "pano_2000x500",
                                           "grey_500x420", "alpha_260x430", "exif6_640x426"),
                         [](const auto& parameter) { return parameter.param; });

TEST(GoldenTiling, AgreesInAllCases) {
  const json golden = read_json(test_path("goldens/ops/tiling.json"));
  ASSERT_EQ(golden["table"].size(), 425u);
  for (const json& row : golden["table"]) {
    const Tiling got = select_tiling(row[0].get<int>(), row[1].get<int>(), CropParams{});
    EXPECT_EQ(got.rows, row[2]) << row;
    EXPECT_EQ(got.cols, row[3]) << row;
  }
}

TEST(GoldenPixels, RoundThreeTimesAsTheReference) {
  const GoldenTensors ops(test_path("goldens/ops/ops.safetensors"));
  const std::vector<float> want = ops.floats("pixel_f32");
  ASSERT_EQ(want.size(), 256u);
  EXPECT_TRUE(std::equal(want.begin(), want.end(), pixel_table().begin()));
}

class GoldenViews2024 : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenViews2024, EqualTheReferences) {
  const std::string stem = GetParam();
  const json golden = read_json(test_path("goldens/full/vision_2024.json"))[stem];
  const bool lossless = stem.starts_with("wide");
  const Image image = load_image(test_path("goldens/images/" + stem + (lossless ? ".png" : ".jpg")));
  const Image resized = resize_for_views_2024(image, 378);
  EXPECT_EQ(resized.height, golden["resized_hw"][0]);
  EXPECT_EQ(resized.width, golden["resized_hw"][1]);
  const std::int64_t want = golden["resized_sum"];
  if (lossless) {
    EXPECT_EQ(sum(resized.pixels), want);
  } else {
    // Decoders differ by a level here and there; their mean hardly moves.
    EXPECT_NEAR(static_cast<double>(sum(resized.pixels)), static_cast<double>(want),
                0.01 * static_cast<double>(resized.pixels.size()));
  }

  const Views views = views_2024(image, 378);
  EXPECT_EQ(views.count, golden["views"]);
  const std::vector<float> corner =
      GoldenTensors(test_path("goldens/full/vision_2024.safetensors")).floats(stem + ".global_pixels_corner");
  ASSERT_EQ(corner.size(), 3u * 8 * 8);
  const float tolerance = lossless ? 1e-6f : 3 / 127.5f;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        EXPECT_NEAR(views.view(0)[(y * 378 + x) * 3 + c],
                    corner[static_cast<std::size_t>(c * 64 + y * 8 + x)], tolerance);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Images, GoldenViews2024, ::testing::Values("wide_800x600", "pano_2000x500"),
                         [](const auto& parameter) { return parameter.param; });

TEST(GoldenStarter, HasTheGlobalCropsOfItsSamples) {
  const json golden = read_json(test_path("data/starter/samples/expected.json"));
  const CropParams params{.crop_size = 196, .patch_size = 14, .overlap_margin = 2, .max_crops = 1};
  for (const json& sample : golden["samples"]) {
    const std::string file = sample["file"];
    const Crops crops = overlap_crops(load_image(test_path("data/starter/samples/" + file)), params);
    EXPECT_TRUE(crops.tiling.single()) << file;
    EXPECT_EQ(sum(crop_bytes(crops, 0)), sample["crop0_sum"].get<std::int64_t>()) << file;
  }
}

}  // namespace
}  // namespace moonbeam::image
