// The pool, and how many threads it gets.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace moonbeam::base {
namespace {

TEST(ThreadPool, VisitsEveryIndexOnce) {
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int count = 0; count <= 1000; count += count < 20 ? 1 : 49) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
      pool.parallel_for(count, [&](int index, int thread) {
        visits.at(static_cast<std::size_t>(index)).fetch_add(1, std::memory_order_relaxed);
        EXPECT_TRUE(thread >= 0 && thread < threads) << thread;
      });
      for (const auto& n : visits) ASSERT_EQ(n.load(), 1) << threads << " threads, " << count << " indices";
    }
  }
}

TEST(ThreadPool, DoesNothingForNoIndex) {
  ThreadPool pool(2);
  pool.parallel_for(0, [](int, int) { FAIL(); });
  pool.parallel_for(-5, [](int, int) { FAIL(); });
}

TEST(ThreadPool, CountsTheCallerAsThreadZero) {
  ThreadPool pool(1);
  const auto caller = std::this_thread::get_id();
  pool.parallel_for(3, [&](int, int thread) {
    EXPECT_EQ(thread, 0);
    EXPECT_EQ(std::this_thread::get_id(), caller);
  });
}

TEST(ThreadPool, GivesEachThreadItsOwnNumber) {
  // A sum a thread, without atomics: two threads of one number would race, which TSan would see.
  constexpr int kThreads = 4;
  ThreadPool pool(kThreads);
  for (int round = 0; round < 50; ++round) {
    std::int64_t sums[kThreads][8] = {};
    pool.parallel_for(200, [&](int index, int thread) { sums[thread][0] += index; });
    std::int64_t total = 0;
    for (const auto& sum : sums) total += sum[0];
    ASSERT_EQ(total, 200 * 199 / 2);
  }
}

TEST(ThreadPool, ShowsTheCallerWhatWorkersWrote) {
  ThreadPool pool(4);
  std::vector<int> values(64);
  for (int job = 1; job <= 5000; ++job) {
    pool.parallel_for(8, [&](int index, int) {
      for (int i = 0; i < 8; ++i) values[static_cast<std::size_t>(index * 8 + i)] += 1;
    });
    for (const int value : values) ASSERT_EQ(value, job);
  }
}

TEST(ThreadPool, WorksAfterItsWorkersHaveGoneToSleep) {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> sum{0};
    pool.parallel_for(100, [&](int index, int) { sum += index; });
    ASSERT_EQ(sum.load(), 4950);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST(ThreadPool, TakesJobsFromManyCallersAtOnce) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> inside{0}, wrong{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int job = 0; job < 300; ++job) {
        const int count = 1 + (caller * 7 + job) % 40;
        std::atomic<int> sum{0};
        pool.parallel_for(count, [&](int index, int thread) {
          if (inside.fetch_add(1) >= 3 || thread >= 3) wrong.fetch_add(1);  // jobs run one after another
          sum += index + 1;
          inside.fetch_sub(1);
        });
        if (sum.load() != count * (count + 1) / 2) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(ThreadPool, SharesLongWorkAmongItsThreads) {
  // Each index waits until all threads have one: that ends only if all of them work.
  constexpr int kThreads = 3;
  ThreadPool pool(kThreads);
  std::atomic<int> arrived{0};
  pool.parallel_for(kThreads, [&](int, int) {
    arrived.fetch_add(1);
    while (arrived.load() < kThreads) std::this_thread::yield();
  });
  EXPECT_EQ(arrived.load(), kThreads);
}

cpu_set_t mask_of_this_thread() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  EXPECT_EQ(sched_getaffinity(0, sizeof mask, &mask), 0);
  return mask;
}

// The affinity masks of a pool's threads.
std::vector<cpu_set_t> masks_of(ThreadPool& pool) {
  std::vector<cpu_set_t> masks(static_cast<std::size_t>(pool.threads()));
  std::atomic<int> arrived{0};
  pool.parallel_for(pool.threads(), [&](int, int thread) {
    masks[static_cast<std::size_t>(thread)] = mask_of_this_thread();
    arrived.fetch_add(1);
    while (arrived.load() < pool.threads()) std::this_thread::yield();
  });
  return masks;
}

TEST(ThreadPool, KeepsEachWorkerOnAProcessorOfItsOwnWhereItFillsTheMask) {
  const cpu_set_t before = mask_of_this_thread();
  ThreadPool pool(CPU_COUNT(&before));
  const std::vector<cpu_set_t> masks = masks_of(pool);
  cpu_set_t seen;
  CPU_ZERO(&seen);
  for (std::size_t worker = 1; worker < masks.size(); ++worker) {
    EXPECT_EQ(CPU_COUNT(&masks[worker]), 1) << worker;
    cpu_set_t common;
    CPU_AND(&common, &masks[worker], &before);
    EXPECT_EQ(CPU_COUNT(&common), 1) << worker;
    CPU_OR(&seen, &seen, &masks[worker]);
  }
  EXPECT_EQ(CPU_COUNT(&seen), pool.threads() - 1);
  EXPECT_TRUE(CPU_EQUAL(&masks[0], &before)) << "the caller was moved";
}

TEST(ThreadPool, LeavesWorkersAloneWhereItDoesNotFillTheMask) {
  const cpu_set_t before = mask_of_this_thread();
  for (const int threads : {CPU_COUNT(&before) - 1, CPU_COUNT(&before) + 1}) {
    if (threads < 1) continue;
    ThreadPool pool(threads);
    for (const cpu_set_t& mask : masks_of(pool)) EXPECT_TRUE(CPU_EQUAL(&mask, &before)) << threads;
  }
}

TEST(ThreadPoolStay, KeepsTheCallerWhereNoWorkerIs) {
  const cpu_set_t before = mask_of_this_thread();
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "one processor";
  ThreadPool pool(CPU_COUNT(&before));
  {
    const ThreadPool::Stay stay(pool);
    const ThreadPool::Stay inner(pool);
    cpu_set_t seen;
    CPU_ZERO(&seen);
    for (const cpu_set_t& mask : masks_of(pool)) {
      EXPECT_EQ(CPU_COUNT(&mask), 1);
      CPU_OR(&seen, &seen, &mask);
    }
    EXPECT_TRUE(CPU_EQUAL(&seen, &before)) << "two threads on one processor";
  }
  const cpu_set_t after = mask_of_this_thread();
  EXPECT_TRUE(CPU_EQUAL(&after, &before));
}

TEST(ThreadPoolStay, LeavesCallersAloneThatHaveAMaskOfTheirOwn) {
  const cpu_set_t before = mask_of_this_thread();
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "one processor";
  ThreadPool pool(CPU_COUNT(&before));
  const ThreadPool other(CPU_COUNT(&before) + 1);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &before)) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    std::thread([&] {
      ASSERT_EQ(sched_setaffinity(0, sizeof own, &own), 0);
      {
        const ThreadPool::Stay stay(pool);
        const cpu_set_t mask = mask_of_this_thread();
        EXPECT_TRUE(CPU_EQUAL(&mask, &own)) << cpu;
      }
      const cpu_set_t mask = mask_of_this_thread();
      EXPECT_TRUE(CPU_EQUAL(&mask, &own)) << cpu;
    }).join();
  }
  const ThreadPool::Stay stay(other);
  const cpu_set_t mask = mask_of_this_thread();
  EXPECT_TRUE(CPU_EQUAL(&mask, &before)) << "kept for a pool whose workers are not";
}

TEST(ThreadPool, StartsAndStopsWithoutWork) {
  for (int i = 0; i < 50; ++i) ThreadPool pool(1 + i % 4);
}

TEST(ThreadPool, SaysThatAThreadCannotBeStarted) {
  pthread_attr_t before, huge;
  pthread_attr_init(&huge);
  ASSERT_EQ(pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(pthread_getattr_default_np(&huge), 0);
  // Address space for two such stacks at most: the first may start, not all.
  pthread_attr_setstacksize(&huge, std::size_t{1} << 46);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  try {
    ThreadPool pool(8);
    ADD_FAILURE() << "started " << pool.threads();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kExhausted);
    EXPECT_TRUE(std::string(error.what()).starts_with("threads: expected to start 7, got ")) << error.what();
  }
  pthread_setattr_default_np(&before);
  ThreadPool pool(2);  // and all is as before
  EXPECT_EQ(pool.threads(), 2);
}

class Threads : public ::testing::Test {
 protected:
  ~Threads() override { unsetenv("MOONBEAM_THREADS"); }
  static void set(const char* value) { setenv("MOONBEAM_THREADS", value, 1); }
};

TEST_F(Threads, AreThoseAskedFor) {
  set("7");
  EXPECT_EQ(choose_threads(3), 3);
  EXPECT_EQ(choose_threads(1024), 1024);
}

TEST_F(Threads, ComeFromTheEnvironment) {
  set("7");
  EXPECT_EQ(choose_threads(0), 7);
  set("1024");
  EXPECT_EQ(choose_threads(0), 1024);
}

TEST_F(Threads, AreTheCoresOtherwise) {
  unsetenv("MOONBEAM_THREADS");
  EXPECT_EQ(choose_threads(0), usable_cores());
  set("");
  EXPECT_EQ(choose_threads(0), usable_cores());
}

TEST_F(Threads, AreRefusedOutsideTheirRange) {
  for (const int threads : {-1, 1025}) {
    try {
      choose_threads(threads);
      FAIL() << threads;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(error.what(), "threads: expected 1..1024, got " + std::to_string(threads));
    }
  }
}

TEST_F(Threads, AreRefusedWhenTheEnvironmentMakesNoSense) {
  for (const char* value : {"0", "-2", "1025", "two", "4x", " 4", "4 ", "1e3", "99999999999999999999"}) {
    set(value);
    try {
      choose_threads(0);
      ADD_FAILURE() << value;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_EQ(error.what(), std::string("MOONBEAM_THREADS: expected 1..1024, got '") + value + "'");
    }
  }
}

TEST(UsableCores, KeepToTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  const int all = usable_cores();
  EXPECT_GE(all, 1);
  EXPECT_LE(all, CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cores(), 1);
  sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
}  // namespace moonbeam::base
