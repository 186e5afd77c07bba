#include "train/own/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace moonbeam::train {
namespace {

TEST(Order, GivesEveryNumberOnceAndAnotherOrderEachRound) {
  for (const std::uint64_t count : {1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097}) {
    std::set<std::uint64_t> seen;
    std::uint64_t same = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t first = shuffled(7, 0, i, count);
      EXPECT_LT(first, count);
      EXPECT_TRUE(seen.insert(first).second) << count << ": " << first << " twice";
      same += first == shuffled(7, 1, i, count) ? 1u : 0u;
      EXPECT_EQ(first, shuffled(7, 0, i, count));
    }
    if (count > 50) {
      EXPECT_LT(same, count / 4);
    }
  }
}

TEST(Order, PutsEveryNumberInEveryPlaceAboutEquallyOften) {
  constexpr std::uint64_t kCount = 10, kRounds = 10'000;
  std::vector<std::vector<int>> often(kCount, std::vector<int>(kCount));
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (std::uint64_t i = 0; i < kCount; ++i) ++often[i][shuffled(1, round, i, kCount)];
  }
  // 1,000 on average with a deviation of 30.
  for (const std::vector<int>& row : often) {
    for (const int n : row) EXPECT_NEAR(n, 1000, 180);
  }
}

TEST(Order, KeepsAShareOutButNeverAllAndNeverNone) {
  EXPECT_EQ(kept_out(0.1, 200), 20u);
  EXPECT_EQ(kept_out(0.1, 3), 1u);
  EXPECT_EQ(kept_out(0.9, 2), 1u);
  EXPECT_EQ(kept_out(0.5, 1), 0u);
  EXPECT_EQ(kept_out(0, 100), 0u);
}

TEST(Order, MixesTwoKindsEvenlyAndCountsEach) {
  for (const double share : {0.0, 0.1, 0.25, 0.4, 0.95}) {
    std::uint64_t first = 0, second = 0;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const Mixed one = mixed(share, i);
      EXPECT_EQ(one.index, one.second ? second : first) << share << " " << i;
      ++(one.second ? second : first);
      EXPECT_NEAR(static_cast<double>(second), share * static_cast<double>(i + 1), 1);
    }
  }
}

}  // namespace
}  // namespace moonbeam::train
