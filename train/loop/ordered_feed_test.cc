#include "train/loop/ordered_feed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace moonbeam::train {
namespace {

TEST(OrderedFeed, HandsOutInOrderWhateverTheThreadsDo) {
  for (const int threads : {1, 4}) {
    OrderedFeed<std::uint64_t> feed(
        [](std::uint64_t n) {
          std::this_thread::sleep_for(std::chrono::microseconds((n * 7919) % 300));
          return n * n;
        },
        threads, 3);
    for (std::uint64_t n = 0; n < 200; ++n) ASSERT_EQ(feed.next(), n * n);
  }
}

TEST(OrderedFeed, RunsAheadNoFurtherThanAsked) {
  std::atomic<std::uint64_t> started = 0;
  OrderedFeed<std::uint64_t> feed(
      [&](std::uint64_t n) {
        ++started;
        return n;
      },
      4, 3);
  for (int n = 0; n < 5; ++n) feed.next();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(started, 8u);
}

TEST(OrderedFeed, ThrowsAtTheJobThatFailed) {
  OrderedFeed<int> feed(
      [](std::uint64_t n) {
        if (n == 2) throw std::runtime_error("two");
        return static_cast<int>(n);
      },
      3, 4);
  EXPECT_EQ(feed.next(), 0);
  EXPECT_EQ(feed.next(), 1);
  EXPECT_THROW(feed.next(), std::runtime_error);
  EXPECT_EQ(feed.next(), 3);
}

TEST(OrderedFeed, StopsWithWorkUnderWay) {
  OrderedFeed<std::vector<int>> feed(
      [](std::uint64_t n) { return std::vector<int>(1000, static_cast<int>(n)); }, 4, 8);
  EXPECT_EQ(feed.next().size(), 1000u);
}

}  // namespace
}  // namespace moonbeam::train
