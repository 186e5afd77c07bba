#include "data/scenes/random.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace moonbeam::data {
namespace {

TEST(Stream, GivesTheSameNumbersForEver) {
  Stream stream(1, 2, 3, Part::kLayout);
  const std::array<std::uint32_t, 6> words = {stream.next(), stream.next(), stream.next(),
                                              stream.next(), stream.next(), stream.next()};
  EXPECT_EQ(words, (std::array<std::uint32_t, 6>{4217284734u, 2350876806u, 2919925084u, 615624851u, 79616076u,
                                                 4206409349u}));
}

TEST(Stream, DependsOnEachOfItsCoordinates) {
  const std::uint32_t base = Stream(1, 2, 3, Part::kLayout).next();
  EXPECT_EQ(base, Stream(1, 2, 3, Part::kLayout).next());
  EXPECT_NE(base, Stream(2, 2, 3, Part::kLayout).next());
  EXPECT_NE(base, Stream(1, 3, 3, Part::kLayout).next());
  EXPECT_NE(base, Stream(1, 2, 4, Part::kLayout).next());
  EXPECT_NE(base, Stream(1, 2, 3, Part::kSprite).next());
  EXPECT_NE(base, Stream(1ull << 32 | 1, 2, 3, Part::kLayout).next());
  EXPECT_NE(base, Stream(1, 2, 1ull << 32 | 3, Part::kLayout).next());
}

TEST(Stream, IsUniformBelowANumber) {
  Stream stream(7, 0, 0, Part::kText);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts[stream.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);
}

TEST(Stream, ReachesBothEndsOfARange) {
  Stream stream(7, 0, 1, Part::kText);
  std::array<int, 3> counts{};
  for (int i = 0; i < 300; ++i) ++counts[static_cast<std::size_t>(stream.between(-1, 1) + 1)];
  for (const int count : counts) EXPECT_GT(count, 50);
  EXPECT_EQ(stream.between(5, 5), 5);
}

TEST(Stream, DrawsNormalNumbers) {
  Stream stream(7, 0, 2, Part::kText);
  constexpr int kDraws = 200'000;
  double sum = 0, squares = 0;
  int beyond_2 = 0, beyond_3 = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = static_cast<double>(stream.normal());
    sum += x;
    squares += x * x;
    beyond_2 += x > 2;
    beyond_3 += x < -3;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.01);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
  EXPECT_NEAR(beyond_2 / double{kDraws}, 0.02275, 0.0015);
  EXPECT_NEAR(beyond_3 / double{kDraws}, 0.00135, 0.0004);
}

TEST(Stream, WeighsAndNeverTakesWhatWeighsNothing) {
  Stream stream(7, 0, 3, Part::kText);
  const std::vector<float> weights = {0, 1, 0, 3, 0};
  std::array<int, 5> counts{};
  for (int i = 0; i < 40'000; ++i) ++counts[static_cast<std::size_t>(stream.weighted(weights))];
  EXPECT_EQ(counts[0] + counts[2] + counts[4], 0);
  EXPECT_NEAR(counts[1], 10'000, 400);
}

TEST(Stream, KeepsChancesExact) {
  Stream stream(7, 0, 4, Part::kText);
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(stream.chance(0));
    EXPECT_TRUE(stream.chance(1));
  }
  for (int i = 0; i < 100'000; ++i) taken += stream.chance(0.3);
  EXPECT_NEAR(taken, 30'000, 700);
}

}  // namespace
}  // namespace moonbeam::data
