#include "data/pipeline/reduce/like_pictures.h"

#include <gtest/gtest.h>

#include <cmath>

#include "data/pipeline/reduce/decisions.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {
namespace {

constexpr int kWidth = 24;

/// Drawn numbers, and what all pictures have in common.
std::vector<float> drawn(data::Stream& stream, float common = 0) {
  std::vector<float> out;
  for (int i = 0; i < kWidth; ++i)
    out.push_back(stream.uniform() - 0.5f + common * static_cast<float>(i % 3));
  return out;
}

std::vector<std::uint32_t> likes(const LikePictures& looks, int threads,
                                 const std::function<bool(std::uint32_t)>& wanted = {}) {
  std::vector<std::uint32_t> out;
  looks.each(threads, [&](std::uint32_t picture, std::uint32_t like) {
    EXPECT_EQ(picture, out.size());
    out.push_back(like);
    return like == kNone && (!wanted || wanted(picture));
  });
  return out;
}

TEST(PictureVector, HasLengthOne) {
  const std::vector<float> values = {3, 0, -4};
  EXPECT_EQ(picture_vector(values), (PictureVector{9830, 0, -13107}));
  const std::vector<float> nothing = {0, 0}, broken = {1, NAN};
  EXPECT_TRUE(picture_vector(nothing).empty());
  EXPECT_TRUE(picture_vector(broken).empty());
}

TEST(LikePictures, NamesTheFirstOfThoseThatStay) {
  LikePictures looks(2, 0.95);
  // 10 degrees apart: the cosine is .985, that of 20 degrees .940.
  for (const double degrees : {0, 10, 20, 200, 190}) {
    const double turn = degrees * 3.14159265358979 / 180;
    looks.add(picture_vector(
        std::vector<float>{static_cast<float>(std::cos(turn)), static_cast<float>(std::sin(turn))}));
  }
  looks.add({});
  // The third is like the second, which went.
  EXPECT_EQ(likes(looks, 1), (std::vector<std::uint32_t>{kNone, 0, kNone, kNone, 3, kNone}));
  // Nobody's model is what was not kept for other reasons.
  EXPECT_EQ(likes(looks, 2, [](std::uint32_t picture) { return picture != 0; }),
            (std::vector<std::uint32_t>{kNone, kNone, 1, kNone, 3, kNone}));
}

TEST(LikePictures, AreTheSameFromAnyNumberOfThreadsAndAsPlainLoopsSay) {
  data::Stream stream(3, 0, 0, data::Part::kPipeline);
  std::vector<PictureVector> vectors;
  for (int i = 0; i < 1300; ++i) {  // more than two blocks
    if (i > 10 && stream.below(4) == 0) {
      vectors.push_back(vectors[stream.below(static_cast<std::uint32_t>(i))]);
    } else {
      vectors.push_back(i % 17 == 3 ? PictureVector{} : picture_vector(drawn(stream)));
    }
  }
  LikePictures looks(kWidth, 0.7);
  for (const PictureVector& one : vectors) looks.add(one);
  std::vector<std::uint32_t> expected, kept;
  for (std::uint32_t i = 0; i < vectors.size(); ++i) {
    std::uint32_t like = kNone;
    for (const std::uint32_t other : kept) {
      double sum = 0;
      for (std::size_t k = 0; k < vectors[i].size(); ++k)
        sum += double{1} * vectors[i][k] * vectors[other][k];
      if (like == kNone && sum / kVectorScale / kVectorScale >= 0.7 - 0.00005) like = other;
    }
    expected.push_back(like);
    if (like == kNone && !vectors[i].empty()) kept.push_back(i);
  }
  for (const int threads : {1, 2, 4}) EXPECT_EQ(likes(looks, threads), expected) << threads;
}

TEST(LikePictures, TellsApartOnceWhatAllHaveInCommonIsTakenAway) {
  data::Stream stream(4, 0, 0, data::Part::kPipeline);
  LikePictures raw(kWidth, 0.95), centred(kWidth, 0.95);
  for (int i = 0; i < 300; ++i) {
    const PictureVector vector = picture_vector(drawn(stream, 2));
    for (LikePictures* one : {&raw, &centred}) {
      one->add(vector);
      if (i % 10 == 0) one->add(vector);
    }
  }
  centred.centre();
  const auto count = [](const std::vector<std::uint32_t>& like) {
    return std::count_if(like.begin(), like.end(), [](std::uint32_t one) { return one != kNone; });
  };
  EXPECT_GT(count(likes(raw, 2)), 200);
  EXPECT_EQ(count(likes(centred, 2)), 30);
}

TEST(LikePictures, OfATinyRunAreFoundThoughTheirMeanIsTheirs) {
  data::Stream stream(5, 0, 0, data::Part::kPipeline);
  LikePictures looks(kWidth, 0.95);
  const PictureVector vector = picture_vector(drawn(stream, 2));
  looks.add(vector);
  looks.add(vector);
  looks.centre();
  EXPECT_EQ(likes(looks, 1), (std::vector<std::uint32_t>{kNone, 0}));
}

}  // namespace
}  // namespace moonbeam::pipeline
