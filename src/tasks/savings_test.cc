// Work that is left out because it changes nothing, to the bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "image/crops.h"
#include "image/patches.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"
#include "tasks/testing.h"

namespace moonbeam::tasks {
namespace {

using testing::engine;

class SavingsIn : public ::testing::TestWithParam<testing::Setting> {
 protected:
  std::shared_ptr<const Engine> engine_ = engine(std::get<0>(GetParam()), std::get<1>(GetParam()));
};
INSTANTIATE_TEST_SUITE_P(Settings, SavingsIn, testing::all_settings(), testing::setting_name);

// With one local crop the encoder runs once: as if both crops had gone through it and been merged.
TEST_P(SavingsIn, OneRunOfTheEncoderServesBothCropsOfASmallPicture) {
  const vision::VisionConfig& config = engine_->config().vision;
  const Image picture = testing::noise(7, 60, 50);
  const image::Crops crops = image::overlap_crops(picture, {.crop_size = config.crop_size,
                                                            .patch_size = config.patch_size,
                                                            .overlap_margin = config.overlap_margin,
                                                            .max_crops = config.max_crops});
  ASSERT_EQ(crops.count, 2);
  ASSERT_EQ(crops.distinct(), 1);
  const auto patches = static_cast<std::size_t>(config.patches());
  const std::size_t per_crop = patches * static_cast<std::size_t>(config.patch_dim());
  std::vector<float> rows(2 * per_crop);
  for (int i = 0; i < 2; ++i)
    image::patchify(crops.crop(i), config.crop_size, config.patch_size,
                    rows.data() + static_cast<std::size_t>(i) * per_crop);

  Runner runner(*engine_);
  vision::Encoder encoder(config, engine_->model->vision, runner.context());
  const std::size_t features_per_crop = patches * static_cast<std::size_t>(config.dim);
  std::vector<float> features(2 * features_per_crop);
  encoder.encode(rows.data(), 2, features.data());
  EXPECT_EQ(std::memcmp(features.data(), features.data() + features_per_crop, features_per_crop * 4), 0);

  const int side = config.grid_side();
  const int grid = config.image_grid;
  const auto global = vision::adaptive_avg_pool2d(features.data(), side, side, config.dim, grid, grid);
  const auto stitched = vision::reconstruct_from_crops(features.data() + features_per_crop, 1, 1, side,
                                                       config.dim, config.overlap_margin);
  const auto local = vision::adaptive_avg_pool2d(stitched.data.data(), stitched.height, stitched.width,
                                                 config.dim, grid, grid);
  const auto count = static_cast<std::size_t>(config.image_tokens());
  std::vector<float> expected(count * static_cast<std::size_t>(config.proj_out_dim));
  encoder.project(global.data.data(), local.data.data(), config.image_tokens(), expected.data());

  const vision::ImageEmbeddings got = vision::embed_image(encoder, config, picture);
  EXPECT_EQ(got.crops, 1);
  ASSERT_EQ(got.data.size(), expected.size());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got.data.begin()));
}

TEST_P(SavingsIn, SingleLogitsHaveTheBitsTheyHaveAmongAll) {
  const auto picture = encode_image(engine_, testing::noise(8), {});
  Runner runner(*engine_);
  Sequence sequence = continue_image(*engine_, *picture);
  runner.advance(sequence, caption_prompt(*engine_, CaptionLength::kNormal));
  const int last = engine_->config().text.vocab_size - 1;
  const int ids[] = {0, 5, 1, 63, 64, 100, last};
  float some[std::size(ids)];
  runner.logits(sequence, ids, some);
  for (std::size_t i = 0; i < std::size(ids); ++i)
    EXPECT_EQ(some[i], sequence.logits[static_cast<std::size_t>(ids[i])]) << ids[i];
}

TEST_P(SavingsIn, OnlyObjectsGivesTheSameWithTwoLogitsAsWithAll) {
  const auto picture = encode_image(engine_, testing::sample(), {});
  const auto objects = [&](bool all_logits) {
    Runner runner(*engine_);
    Sequence sequence = continue_image(*engine_, *picture);
    runner.advance(sequence, detect_prompt(*engine_, "apple"), all_logits);
    const RegionLogitsFn reads_all = [](char, std::span<const float>) {};
    std::vector<int> bins;
    for (const auto& object :
         decode_objects(runner, sequence, true, 6, {}, all_logits ? reads_all : RegionLogitsFn{},
                        ObjectStart::kCoordOnly)) {
      bins.insert(bins.end(), object.bins.begin(), object.bins.end());
    }
    return bins;
  };
  const std::vector<int> bins = objects(false);
  EXPECT_FALSE(bins.empty());  // else it would tell nothing
  EXPECT_EQ(bins, objects(true));
}

TEST(Savings, TheLmHeadRunsOnlyWhereItsLogitsAreRead) {
  const auto tiny = engine("tiny");
  const auto picture = encode_image(tiny, testing::noise(9), {});
  const auto wanted = [&](bool with_size, int most, ObjectStart start) {
    ObjectGeneration generation(*tiny, with_size, most, {}, {}, start);
    Runner runner(*tiny);
    Sequence sequence = continue_image(*tiny, *picture);
    std::string out(1, generation.reads_prompt_logits() ? 'L' : '-');
    runner.advance(sequence, point_prompt(*tiny, "dog"), generation.reads_prompt_logits());
    EXPECT_EQ(sequence.logits.empty(), out == "-");
    if (!sequence.logits.empty()) sequence.logits[0] = -1e9f;  // not the end
    for (Next next = generation.next(runner, sequence); !next.tokens.empty();
         next = generation.next(runner, sequence)) {
      out += next.logits ? 'L' : '-';
      runner.advance(sequence, next.tokens, next.logits);
      EXPECT_EQ(sequence.logits.empty(), !next.logits);
      if (!sequence.logits.empty()) sequence.logits[0] = -1e9f;
    }
    return out;
  };
  EXPECT_EQ(wanted(true, 3, ObjectStart::kAnyToken), "L--L--L---");
  EXPECT_EQ(wanted(false, 3, ObjectStart::kAnyToken), "L-L-L--");
  EXPECT_EQ(wanted(false, 1, ObjectStart::kAnyToken), "L--");
  EXPECT_EQ(wanted(false, 0, ObjectStart::kAnyToken), "-");
  EXPECT_EQ(wanted(true, 3, ObjectStart::kCoordOnly), "----------");
}

}  // namespace
}  // namespace moonbeam::tasks
