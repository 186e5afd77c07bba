// One function at a time against the makers' code: stitching, pooling, rope, region heads.
//
// Golden data: tests/goldens/README.md section 5.
#include <gtest/gtest.h>

#include <cmath>

#include "model/model.h"
#include "region/region.h"
#include "support/golden.h"
#include "text/rope.h"
#include "vision/feature_map.h"

namespace moonbeam {
namespace {

using testing::all_near;
using testing::GoldenTensors;
using testing::test_path;

const GoldenTensors& ops_file() {
  static const GoldenTensors file(test_path("goldens/ops/ops.safetensors"));
  return file;
}

TEST(Stitch, TakesEachCellFromTheCropTheReferenceTakesItFrom) {
  constexpr int kSide = 27, kMargin = 4;
  for (const auto& [name, rows, cols] :
       {std::tuple{"stitch_1x1", 1, 1}, {"stitch_1x2", 1, 2}, {"stitch_2x3", 2, 3}, {"stitch_3x3", 3, 3}}) {
    SCOPED_TRACE(name);
    std::vector<float> crops;  // each cell says where it is
    for (int crop = 0; crop < rows * cols; ++crop) {
      for (int y = 0; y < kSide; ++y) {
        for (int x = 0; x < kSide; ++x) {
          crops.insert(crops.end(), {static_cast<float>(crop), static_cast<float>(y), static_cast<float>(x)});
        }
      }
    }
    const auto map = vision::reconstruct_from_crops(crops.data(), rows, cols, kSide, 3, kMargin);
    const auto want = ops_file().integers(name);
    ASSERT_EQ(map.data.size(), want.size());
    EXPECT_EQ(map.height, ops_file().shape(name)[0]);
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_EQ(static_cast<std::int64_t>(map.data[i]), want[i]) << i;
  }
}

TEST(Pool, AveragesTheWindowsThatTorchAverages) {
  for (const std::string tiles : {"12x1", "1x2", "1x6", "2x2", "2x4", "3x4"}) {
    const auto in = ops_file().floats("pool_in_" + tiles);
    const auto shape = ops_file().shape("pool_in_" + tiles);  // [1, H, W]
    const auto out = vision::adaptive_avg_pool2d(in.data(), static_cast<int>(shape[1]),
                                                 static_cast<int>(shape[2]), 1, 27, 27);
    EXPECT_TRUE(all_near(out.data.span(), ops_file().floats("pool_out_" + tiles), 1e-6f)) << tiles;
  }
}

TEST(Pool, LeavesAMapOfTheSameSizeAlone) {
  const std::vector<float> in = {1, 2, 3, 4};
  const auto out = vision::adaptive_avg_pool2d(in.data(), 2, 2, 1, 2, 2);
  EXPECT_TRUE(all_near(out.data.span(), in, 0));
}

TEST(Interpolate, TakesHalfPixelCentresAndRepeatsTheBorder) {
  const std::vector<float> in = {0, 10, 20, 30};
  const auto out = vision::interpolate_bilinear(in.data(), 1, 4, 1, 1, 2);
  EXPECT_TRUE(all_near(out.data.span(), std::vector<float>{5, 25}, 1e-6f));
  const auto up = vision::interpolate_bilinear(in.data(), 1, 4, 1, 1, 8);
  EXPECT_TRUE(
      all_near(up.data.span(), std::vector<float>{0, 2.5f, 7.5f, 12.5f, 17.5f, 22.5f, 27.5f, 30}, 1e-5f));
}

TEST(Rope, CosinesAndSinesMatch) {
  const auto positions = ops_file().integers("rope_freqs_pos");
  const auto want = ops_file().floats("rope_freqs_cos_sin");  // [9, 16, 2]
  const text::RopeTable table(32, 10000.0f, 2048);
  std::vector<float> got;
  for (const auto position : positions) {
    for (int i = 0; i < 16; ++i) {
      got.push_back(table.cos(static_cast<int>(position))[i]);
      got.push_back(table.sin(static_cast<int>(position))[i]);
    }
  }
  EXPECT_TRUE(all_near(got, want, 2e-7f * 2048));  // an ulp of the angle at position 2047
}

TEST(Rope, RotatesHalvesAndLeavesDimsPast32Untouched) {
  const auto positions = ops_file().integers("rope_pos");
  auto x = ops_file().floats("rope_in");  // [1, heads 2, positions 5, 64]
  const text::RopeTable table(32, 10000.0f, 2048);
  for (int head = 0; head < 2; ++head) {
    for (std::size_t p = 0; p < positions.size(); ++p) {
      text::rotate(table, static_cast<int>(positions[p]),
                   x.data() + (static_cast<std::size_t>(head) * positions.size() + p) * 64, 1, 64);
    }
  }
  EXPECT_TRUE(all_near(x, ops_file().floats("rope_out_halves"), 2e-5f));
}

/// Region heads of the parity model.
class RegionHeads : public ::testing::TestWithParam<const kernels::KernelTable*> {
 protected:
  std::shared_ptr<const model::Model> model_ =
      model::load({.path = test_path("goldens/tiny"), .variant = {}, .progress = {}});
  const region::RegionConfig& config_ = *model_->config.region;
  const region::RegionWeights& weights_ = *model_->region;
  base::ThreadPool pool_{2};
  ops::Context context_{pool_, *GetParam()};
};

TEST_P(RegionHeads, FourierFeaturesAndEncodersMatch) {
  const auto coords = ops_file().floats("coord_in");
  std::vector<float> fourier(coords.size() * 64), encoded(coords.size() * 128);
  for (std::size_t i = 0; i < coords.size(); ++i) {
    region::fourier_features(&coords[i], 1, weights_.coord_features, 32, fourier.data() + i * 64);
    region::encode_coordinate(context_, config_, weights_, coords[i], encoded.data() + i * 128);
  }
  EXPECT_TRUE(all_near(fourier, ops_file().floats("coord_fourier"), 2e-6f));
  EXPECT_TRUE(all_near(encoded, ops_file().floats("coord_out"), 2e-5f));

  const auto sizes = ops_file().floats("size_in");  // [5, 2]
  fourier.assign(sizes.size() / 2 * 128, 0);
  encoded.assign(sizes.size() / 2 * 128, 0);
  for (std::size_t i = 0; i < sizes.size() / 2; ++i) {
    region::fourier_features(&sizes[2 * i], 2, weights_.size_features, 64, fourier.data() + i * 128);
    region::encode_size(context_, config_, weights_, sizes[2 * i], sizes[2 * i + 1],
                        encoded.data() + i * 128);
  }
  EXPECT_TRUE(all_near(fourier, ops_file().floats("size_fourier"), 2e-6f));
  EXPECT_TRUE(all_near(encoded, ops_file().floats("size_out"), 2e-5f));
}

TEST_P(RegionHeads, SpatialReferencesMatch) {
  // A box (0.25, 0.125)-(0.75, 0.625) as centre and size, and a point (0.3, 0.6).
  std::vector<float> coords, sizes(128);
  for (const float value : {0.5f, 0.375f, 0.3f, 0.6f}) {
    coords.resize(coords.size() + 128);
    region::encode_coordinate(context_, config_, weights_, value, coords.data() + coords.size() - 128);
  }
  region::encode_size(context_, config_, weights_, 0.5f, 0.5f, sizes.data());
  EXPECT_TRUE(all_near(coords, ops_file().floats("spatial_coords"), 2e-5f));
  EXPECT_TRUE(all_near(sizes, ops_file().floats("spatial_sizes"), 2e-5f));
}

TEST_P(RegionHeads, DecodersMatch) {
  const auto hidden = ops_file().floats("dec_hidden");
  std::vector<float> coords(3 * 1024), sizes(3 * 2048);
  region::decode_coordinate(context_, weights_, hidden.data(), 3, coords.data());
  region::decode_size(context_, weights_, hidden.data(), 3, sizes.data());
  EXPECT_TRUE(all_near(coords, ops_file().floats("dec_coord_logits"), 3e-4f));
  EXPECT_TRUE(all_near(sizes, ops_file().floats("dec_size_logits"), 3e-4f));
}

INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, RegionHeads,
                         ::testing::ValuesIn(kernels::runnable_kernels().begin(),
                                             kernels::runnable_kernels().end()),
                         [](const auto& instance) { return std::string(instance.param->isa); });

TEST(Bins, BecomeTheReferencesValues) {
  const region::RegionConfig published, ours{.coord_divisor = 1023};
  std::vector<float> reference, kestrel, sizes;
  for (int bin = 0; bin < 1024; ++bin) {
    reference.push_back(region::bin_to_coordinate(published, bin));
    kestrel.push_back(region::bin_to_coordinate(ours, bin));
    sizes.push_back(region::bin_to_size(published, bin));
  }
  EXPECT_TRUE(all_near(reference, ops_file().floats("coord_value_reference"), 0));
  EXPECT_TRUE(all_near(kestrel, ops_file().floats("coord_value_kestrel"), 1e-7f));
  EXPECT_TRUE(all_near(sizes, ops_file().floats("size_value_reference"), 2e-7f));
  EXPECT_TRUE(all_near(sizes, ops_file().floats("size_value_kestrel"), 5e-6f));
}

TEST(Bins, AreFoundBackFromTheirValues) {
  const region::RegionConfig config{.coord_divisor = 1023};
  for (int bin = 0; bin < 1024; ++bin) {
    EXPECT_EQ(region::coordinate_to_bin(config, region::bin_to_coordinate(config, bin)), bin);
    EXPECT_EQ(region::size_to_bin(config, region::bin_to_size(config, bin)), bin);
  }
  EXPECT_EQ(region::coordinate_to_bin(config, -0.1f), 0);
  EXPECT_EQ(region::coordinate_to_bin(config, 1.5f), 1023);
  EXPECT_EQ(region::size_to_bin(config, 0.0f), 0);
  EXPECT_EQ(region::size_to_bin(config, 2.0f), 1023);
}

}  // namespace
}  // namespace moonbeam
