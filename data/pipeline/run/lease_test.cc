#include "data/pipeline/run/lease.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/test_folder.h"
#include "data/pipeline/run/exclusive.h"

namespace moonbeam::pipeline {
namespace {

class LeaseTest : public testing::Test {
 protected:
  LeaseTest() { std::filesystem::create_directories(folder_ / "leases"); }
  base::TestFolder folder_;
  const RunFolder work_{folder_.path()};
};

TEST_F(LeaseTest, OneHasIt) {
  const auto first = Lease::take(work_, 3, 60);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(Lease::take(work_, 3, 60), nullptr);
  EXPECT_NE(Lease::take(work_, 4, 60), nullptr);
  EXPECT_TRUE(first->renew());
}

TEST_F(LeaseTest, IsFreeWhenItWasGivenBack) {
  Lease::take(work_, 3, 60).reset();
  EXPECT_NE(Lease::take(work_, 3, 60), nullptr);
}

/// A name that this machine had given to a process before it gave the number to this one.
std::string gone_process() {
  std::string name = process_name();
  name.back() = name.back() == '1' ? '2' : '1';
  return name;
}

TEST_F(LeaseTest, OfAProcessThatIsGoneIsTakenOver) {
  ASSERT_TRUE(create_exclusive(work_.lease(3).string(), gone_process() + "\n"));
  EXPECT_NE(Lease::take(work_, 3, 1e6), nullptr);
}

TEST_F(LeaseTest, OfAnotherHostIsTakenOverWhenItsTimeIsUp) {
  ASSERT_TRUE(create_exclusive(work_.lease(3).string(), "elsewhere:5:77\n"));
  EXPECT_EQ(Lease::take(work_, 3, 60), nullptr);
  const timespec past[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, work_.lease(3).c_str(), past, 0), 0);
  EXPECT_NE(Lease::take(work_, 3, 60), nullptr);
}

TEST_F(LeaseTest, OneThatWasTakenOverIsNotRenewed) {
  const auto mine = Lease::take(work_, 3, 60);
  replace_whole(work_.lease(3).string(), "elsewhere:5:77\n");
  EXPECT_FALSE(mine->renew());
}

TEST_F(LeaseTest, GivingBackLeavesTheOneOfOthers) {
  auto mine = Lease::take(work_, 3, 60);
  replace_whole(work_.lease(3).string(), "elsewhere:5:77\n");
  mine.reset();
  EXPECT_TRUE(std::filesystem::exists(work_.lease(3)));
}

TEST(Exclusive, ManyTryAndOneSucceeds) {
  const base::TestFolder folder;
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      if (create_exclusive(folder / "x", std::to_string(i))) ++made;
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1)
      << "nothing is left beside it";
}

TEST(Exclusive, KnowsItselfAndWhoIsGone) {
  EXPECT_FALSE(is_gone(process_name()));
  EXPECT_FALSE(is_gone("elsewhere:5:77")) << "of others nothing is known";
  EXPECT_TRUE(is_gone(gone_process())) << "the number was given to another process";
}

}  // namespace
}  // namespace moonbeam::pipeline
