#include "data/llm/limits.h"

#include <gtest/gtest.h>

namespace moonbeam::llm {
namespace {

TEST(Window, WidensByOneAFiftySuccessesWhileItIsUsed) {
  Window window(8, 100);
  for (int i = 0; i < 49; ++i) window.success(10, 8);
  EXPECT_EQ(window.size(), 8);
  window.success(10, 8);
  EXPECT_EQ(window.size(), 9);
  for (int i = 0; i < 500; ++i) window.success(10, 2);  // fewer than half are under way
  EXPECT_EQ(window.size(), 9);
}

TEST(Window, NeverPassesItsMost) {
  Window window(8, 10);
  for (int i = 0; i < 1000; ++i) window.success(10, 10);
  EXPECT_EQ(window.size(), 10);
}

TEST(Window, IsHalvedOnceWhereMoreThanAFifthIsSentAway) {
  Window window(100, 1000);
  int cuts = 0;
  for (int i = 0; i < 21; ++i) cuts += window.slow_down() ? 1 : 0;
  EXPECT_EQ(cuts, 1);
  EXPECT_EQ(window.size(), 50);
}

TEST(Window, StraysDoNotHalveIt) {
  Window window(1000, 1000);
  for (int i = 0; i < 20'000; ++i) {
    if (i % 10 == 0) {
      window.slow_down();
    } else {
      window.success(10, 1000);
    }
  }
  EXPECT_EQ(window.size(), 1000);
}

TEST(Window, KeepsAtLeastOne) {
  Window window(8, 100);
  for (int i = 0; i < 1000; ++i) window.slow_down();
  EXPECT_EQ(window.size(), 1);
}

TEST(Window, IsHalvedOnceForEachDoublingOfTheLatency) {
  Window window(64, 64);
  for (int i = 0; i < 200; ++i) window.success(300, 64);
  EXPECT_EQ(window.size(), 64);
  for (int i = 0; i < 300; ++i) window.success(700, 64);
  EXPECT_GE(window.size(), 32);
  EXPECT_LT(window.size(), 40);
  EXPECT_EQ(window.cuts(), 1);
  EXPECT_EQ(window.p95_ms(), 700);
}

TEST(Window, ShortLatenciesAreNoSignOfLoad) {
  Window window(64, 64);
  for (int i = 0; i < 200; ++i) window.success(1, 64);
  for (int i = 0; i < 200; ++i) window.success(150, 64);
  EXPECT_EQ(window.size(), 64);
}

TEST(TokenBucket, GivesATenthOfAMinuteAtOnceAndThenItsRate) {
  TokenBucket bucket(600);  // 10 a second, 60 at once
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(bucket.ready_at(1, 0), 0);
    bucket.take(1, 0);
  }
  EXPECT_NEAR(bucket.ready_at(1, 0), 100, 1e-6);
  EXPECT_NEAR(bucket.ready_at(5, 0), 500, 1e-6);
  EXPECT_EQ(bucket.ready_at(1, 100.001), 100.001);
}

TEST(TokenBucket, WhatIsLargerThanItIsGivenWhenItIsFull) {
  TokenBucket bucket(600);
  EXPECT_EQ(bucket.ready_at(500, 0), 0);
  bucket.take(500, 0);
  EXPECT_NEAR(bucket.ready_at(1, 0), (440 + 1) * 100, 1e-6);  // the debt first
  bucket.give_back(440, 0);
  EXPECT_NEAR(bucket.ready_at(1, 0), 100, 1e-6);
}

TEST(TokenBucket, WithoutARateThereIsNoLimit) {
  TokenBucket bucket;
  bucket.take(1e12, 5);
  EXPECT_EQ(bucket.ready_at(1e12, 5), 5);
}

TEST(Breaker, OpensAfterTenInARowAndLetsOneProbeThrough) {
  Breaker breaker;
  for (int i = 0; i < 9; ++i) breaker.failure(i);
  breaker.success();
  for (int i = 0; i < 9; ++i) breaker.failure(100 + i);
  EXPECT_FALSE(breaker.open());
  breaker.failure(200);
  EXPECT_TRUE(breaker.open());
  EXPECT_EQ(breaker.ready_at(201), 30'200);
  EXPECT_EQ(breaker.ready_at(40'000), 40'000);
  breaker.sent(40'000);
  EXPECT_EQ(breaker.ready_at(40'001), kNever);
  breaker.failure(41'000);
  EXPECT_EQ(breaker.ready_at(41'000), 70'000);
  breaker.sent(70'000);
  breaker.success();
  EXPECT_FALSE(breaker.open());
  EXPECT_EQ(breaker.ready_at(70'001), 70'001);
}

TEST(Breaker, FailuresOfCallsThatWereUnderWayDoNotPutOffTheProbe) {
  Breaker breaker(2, 1000);
  breaker.failure(0);
  breaker.failure(0);
  breaker.failure(500);
  EXPECT_EQ(breaker.ready_at(600), 1000);
  EXPECT_EQ(breaker.open_since(), 0);
}

}  // namespace
}  // namespace moonbeam::llm
