// What kill -9 leaves: a child asks through a cache and is killed at random times until it has all its
// answers. No call whose answer had been stored is sent again.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "base/test_folder.h"
#include "data/llm/cache.h"
#include "data/llm/test_calls.h"

namespace moonbeam::llm {
namespace {

constexpr int kCalls = 1500;

/// What the child does: all calls, then a clean end. Run by name in a process of its own.
TEST(KilledClient, DISABLED_Child) {
  const char* url = std::getenv("MOONBEAM_TEST_URL");
  const char* folder = std::getenv("MOONBEAM_TEST_FOLDER");
  ASSERT_TRUE(url != nullptr && folder != nullptr);
  Cache cache(std::string(folder) + "/cache", "worker");
  Ledger ledger(std::string(folder) + "/ledger.jsonl");
  ClientOptions options = test_options(url);
  options.endpoints[0].start_window = 32;
  Client client(options, &cache, &ledger);
  EXPECT_EQ(count_ok(client.ask_all(test_calls(kCalls))), kCalls);
}

pid_t start_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "child", "--gtest_filter=KilledClient.DISABLED_Child",
            "--gtest_also_run_disabled_tests", "--gtest_brief=1", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  return child;
}

/// What was in flight at a kill may reach the server after it.
void settle(const mockllm::Server& server) {
  for (std::uint64_t seen = server.counts().requests + 1; seen != server.counts().requests;) {
    seen = server.counts().requests;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

TEST(KilledClient, NeverAsksAgainWhatWasStored) {
  mockllm::ServerOptions slow;
  slow.latency_ms = 5;
  const mockllm::Server server(slow);
  const base::TestFolder folder;
  ::setenv("MOONBEAM_TEST_URL", server.url().c_str(), 1);
  ::setenv("MOONBEAM_TEST_FOLDER", folder.path().c_str(), 1);
  std::mt19937 random(20);
  int kills = 0;
  std::uint64_t stored = 0;
  while (true) {
    const std::uint64_t asked_before = server.counts().requests;
    const pid_t child = start_child();
    ASSERT_GT(child, 0);
    if (kills < 20) {
      // By what it has asked, not by the clock: a quick machine would be done before the last kill.
      const std::uint64_t share = (kCalls - stored) / static_cast<std::uint64_t>(2 * (21 - kills));
      const std::uint64_t enough = random() % (share + 1);
      for (int i = 0; i < 10'000 && server.counts().requests - asked_before < enough; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      ::kill(child, SIGKILL);
      ++kills;
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    settle(server);
    // Everything that this child sent had no answer in the log before it.
    const Cache cache(folder / "cache", "reader");
    const std::uint64_t now = cache.stats().rows, asked = server.counts().requests - asked_before;
    EXPECT_GE(now, stored);
    EXPECT_LE(asked, kCalls - stored);
    EXPECT_GE(asked + 1, now - stored);
    stored = now;
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      break;
    }
  }
  EXPECT_EQ(stored, static_cast<std::uint64_t>(kCalls));
  EXPECT_EQ(kills, 20);
  // All in all: each call once, and what was in flight at a kill once more.
  EXPECT_LE(server.counts().requests, static_cast<std::uint64_t>(kCalls + 20 * 33));
  // The ledger is whole and says what the server saw, but for what was in flight.
  const Ledger ledger(folder / "ledger.jsonl");
  EXPECT_LE(ledger.total().calls, static_cast<std::int64_t>(server.counts().requests));
  EXPECT_GE(ledger.total().calls, kCalls - 20);
}

}  // namespace
}  // namespace moonbeam::llm
