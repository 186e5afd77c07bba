// R20: a server that has answered for long holds no more memory and no more descriptors than before.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>

#include "tests/serve/mixture.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using namespace std::chrono_literals;

int descriptors(pid_t pid) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<int>(std::distance(begin(all), end(all)));
}

/// Waits until the connections of all others are gone.
void wait_until_quiet(TestClient& probe) {
  for (int i = 0; i < 2000; ++i) {
    const std::string metrics = probe.ask(get("/metrics")).body;
    if (metrics.find("moonbeam:connections 1\n") != std::string::npos &&
        metrics.find("num_requests_running 0\n") != std::string::npos)
      return;
    std::this_thread::sleep_for(5ms);
  }
  ADD_FAILURE() << "connections are left over";
}

/// The middle of the slopes between all pairs: one step up, of an allocator that takes another piece, moves
/// it little; what grows with every request all the more.
double slope(const std::vector<double>& values) {
  std::vector<double> all;
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t k = i + 1; k < values.size(); ++k)
      all.push_back((values[k] - values[i]) / static_cast<double>(k - i));
  }
  std::sort(all.begin(), all.end());
  return all.empty() ? 0 : all[all.size() / 2];
}

TEST(LongRun, HoldsNoMoreThanBefore) {
  // Memory moves by 2 MiB to and fro between blocks: over 20,000 requests that can be a slope of 7 MiB.
  const int total = count(1600, 200'000), blocks = 40, each = total / blocks;
  // Pictures that are new push out older ones all the while.
  Serving serving({"--quiet", "--no-log", "--image-cache", "4M", "--max-queue", "40"}, true, {}, kShipped);
  const pid_t pid = serving.process().pid();
  TestClient probe = serving.client();
  wait_until_quiet(probe);
  std::vector<double> resident_bytes;
  std::vector<int> open;
  for (int block = 0; block < blocks; ++block) {
    std::atomic<int> next = block * each;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, end = (block + 1) * each] {
        TestClient client = serving.client();
        for (int number = next++; number < end; number = next++) ask_mixed(serving, number, client);
      });
    }
    for (std::thread& thread : threads) thread.join();
    wait_until_quiet(probe);
    resident_bytes.push_back(resident(pid));
    open.push_back(descriptors(pid));
  }
  // The first quarter fills what is kept for ever: buffers, the cache, the allocator's pieces of each thread.
  const std::vector<double> later(resident_bytes.begin() + blocks / 4, resident_bytes.end());
  const double mib = slope(later) / each * 100'000 / (1 << 20);
  const double grown = (later.back() - later.front()) / (1 << 20);
  std::printf(
      "{\"requests\": %d, \"mib_per_100000\": %.2f, \"grown_mib\": %.2f, \"resident_mib\": [%.1f, %.1f], "
      "\"descriptors\": [%d, %d]}\n",
      total, mib, grown, resident_bytes.front() / (1 << 20), resident_bytes.back() / (1 << 20), open.front(),
      open.back());
  EXPECT_LE(*std::max_element(open.begin() + 1, open.end()), open.front());
  // Few requests cannot tell the allocator's pieces from a slow leak. That pictures or bodies stay, they can.
  if (kMemoryIsItsOwn) {
    EXPECT_LE(grown, 8);
  }
  if (full_counts()) {
    EXPECT_LE(mib, 1);
  }
}

}  // namespace
}  // namespace moonbeam::test
