// R10: many times more requests than can be served. Those that are taken are answered in time, the others
// refused at once. R11: readers that go away at random points leave nothing behind.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>

#include "tests/serve/crowd.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Offered {
  int answered = 0, refused = 0, other = 0;
  std::vector<double> answer_ms, refusal_ms;
  double seconds = 0;
  double cpu_seconds = 0;  ///< of the server
  double cpu_ms_each() const { return 1000 * cpu_seconds / answered; }
  double goodput() const { return answered / seconds; }
};

/// `clients` threads ask one after the other as fast as they are answered; a refused one comes again after
/// `pause`, so that what is offered does not depend on what is taken.
Offered offer(Serving& serving, int clients, double seconds, std::chrono::milliseconds pause) {
  Offered all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  const double cpu_before = cpu_seconds(serving.process().pid());
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i] {
      TestClient client = serving.client();
      const std::string request = query(i % 8 + 1, false);
      Offered own;
      while (Clock::now() < end) {
        Answer answer;
        const double ms = ms_of([&] { answer = client.ask(request, 30000); });
        if (answer.status == 200) {
          ++own.answered;
          own.answer_ms.push_back(ms);
        } else if (answer.status == 429 || answer.status == 503) {
          ++own.refused;
          own.refusal_ms.push_back(ms);
          EXPECT_TRUE(answer.headers.contains("retry-after"));
          if (answer.headers.contains("connection")) client = serving.client();
          std::this_thread::sleep_for(pause);
        } else {
          ++own.other;
          client = serving.client();
        }
      }
      const std::lock_guard lock(mutex);
      all.answered += own.answered;
      all.refused += own.refused;
      all.other += own.other;
      all.answer_ms.insert(all.answer_ms.end(), own.answer_ms.begin(), own.answer_ms.end());
      all.refusal_ms.insert(all.refusal_ms.end(), own.refusal_ms.begin(), own.refusal_ms.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  all.seconds = seconds;
  all.cpu_seconds = cpu_seconds(serving.process().pid()) - cpu_before;
  return all;
}

TEST(Overload, IsRefusedAndCostsNothing) {
  const double seconds = count(4, 60);
  const int times = count(5, 10);
  // Two in work and two that wait: eight clients are as many as it takes, forty far more.
  Serving serving({"--quiet", "--no-log", "--parallel", "2", "--max-queue", "2", "--timeout", "20s"});
  offer(serving, 4, 1, 20ms);
  const Offered full = offer(serving, 4, seconds, 20ms);
  const double before = resident(serving.process().pid());
  const Offered over = offer(serving, 4 * times, seconds, 20ms);
  const double growth = (resident(serving.process().pid()) - before) / (1 << 20);
  const Offered after = offer(serving, 4, std::min(seconds, 5.0), 20ms);
  std::printf(
      "{\"times\": %d, \"goodput\": %.1f, \"goodput_overloaded\": %.1f, \"goodput_ratio\": %.3f, "
      "\"goodput_after\": %.1f, \"cpu_ms_an_answer\": [%.2f, %.2f], \"answer_p99_ms\": %.1f, "
      "\"answer_p99_overloaded_ms\": %.1f, "
      "\"refusal_p50_ms\": %.2f, \"refusal_p99_ms\": %.2f, \"refused\": %d, \"rss_growth_mib\": %.1f}\n",
      times, full.goodput(), over.goodput(), over.goodput() / full.goodput(), after.goodput(),
      full.cpu_ms_each(), over.cpu_ms_each(), percentile(full.answer_ms, 0.99),
      percentile(over.answer_ms, 0.99), percentile(over.refusal_ms, 0.5), percentile(over.refusal_ms, 0.99),
      over.refused, growth);
  EXPECT_EQ(full.other + over.other + after.other, 0);
  EXPECT_GT(over.refused, 0);
  EXPECT_LE(percentile(over.answer_ms, 0.99), 20'000);
  EXPECT_LE(growth, 64);
  // An answer costs the server as much as before, refusals included: so goodput stays whatever else runs
  // here.
  EXPECT_LE(over.cpu_ms_each(), 2 * full.cpu_ms_each());
  if (full_counts()) {  // clock times are for a machine that does nothing else
    EXPECT_GE(over.goodput(), 0.95 * full.goodput());
    EXPECT_GE(after.goodput(), 0.95 * full.goodput());
    EXPECT_LE(percentile(over.refusal_ms, 0.99), 50);
  }
}

TEST(Disconnects, LeaveNothingBehind) {
  const int total = count(60, 1000);
  Serving serving({"--quiet", "--no-log", "--max-queue", "100"});
  EXPECT_EQ(serving.client().ask(query(1, false)).status, 200);
  std::mt19937 random(7);
  for (int i = 0; i < total; ++i) {
    TestClient client = serving.client();
    const std::string request = query(i % 8 + 1, i % 2 == 0);
    const bool part = i % 10 == 0;
    client.say(part ? request.substr(0, random() % request.size()) : request);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    i % 3 == 0 ? client.reset() : client.hang_up();
  }
  // Free again within 200 ms on a quiet machine.
  const auto start = Clock::now();
  TestClient probe = serving.client();
  std::string metrics;
  do {
    metrics = probe.ask(get("/metrics")).body;
    if (metrics.find("num_requests_running 0\n") != std::string::npos &&
        metrics.find("num_requests_waiting 0\n") != std::string::npos &&
        metrics.find("moonbeam:connections 1\n") != std::string::npos)
      break;
    std::this_thread::sleep_for(5ms);
  } while (Clock::now() - start < 5s);
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  std::printf("{\"disconnects\": %d, \"free_after_ms\": %.0f}\n", total, ms);
  EXPECT_LE(ms, 2000);
  EXPECT_NE(metrics.find("moonbeam:connections 1\n"), std::string::npos) << metrics.substr(0, 900);
  EXPECT_EQ(serving.client().ask(query(2, false)).status, 200);
}

}  // namespace
}  // namespace moonbeam::test
