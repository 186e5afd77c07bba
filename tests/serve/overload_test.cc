// R10: many times more requests than can be served. Those that are taken are answered in time, the others
// refused at once. R11: readers that go away at random points leave nothing behind.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>

#include "tests/serve/crowd.h"
#include "tests/serve/nothing.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Offered {
  int answered = 0, refused = 0, other = 0;
  std::vector<double> answer_ms, refusal_ms;
  double seconds = 0;
  double cpu_seconds = 0;      ///< of the server
  double own_cpu_seconds = 0;  ///< of the clients
  double cpu_ms_each() const { return 1000 * cpu_seconds / answered; }
  double goodput() const { return answered / seconds; }

  void add(const Offered& more) {
    answered += more.answered;
    refused += more.refused;
    other += more.other;
    answer_ms.insert(answer_ms.end(), more.answer_ms.begin(), more.answer_ms.end());
    refusal_ms.insert(refusal_ms.end(), more.refusal_ms.begin(), more.refusal_ms.end());
    seconds += more.seconds;
    cpu_seconds += more.cpu_seconds;
    own_cpu_seconds += more.own_cpu_seconds;
  }
};

/// `clients` threads ask one after the other as fast as they are answered; a refused one comes again after
/// `pause`, so that what is offered does not depend on what is taken. All but the first `here` of them ask at
/// `elsewhere`.
Offered offer(Serving& serving, int clients, double seconds, std::chrono::milliseconds pause, int here,
              std::uint16_t elsewhere) {
  Offered all;
  std::mutex mutex;
  std::vector<std::thread> threads;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  const double cpu_before = cpu_seconds(serving.process().pid());
  const double own_before = cpu_seconds(::getpid());
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i] {
      const std::uint16_t port = i < here ? serving.port : elsewhere;
      TestClient client(port);
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
          if (answer.headers.contains("connection")) client = TestClient(port);
          std::this_thread::sleep_for(pause);
        } else {
          ++own.other;
          client = TestClient(port);
        }
      }
      const std::lock_guard lock(mutex);
      all.add(own);
    });
  }
  for (std::thread& thread : threads) thread.join();
  all.seconds = seconds;
  all.cpu_seconds = cpu_seconds(serving.process().pid()) - cpu_before;
  all.own_cpu_seconds = cpu_seconds(::getpid()) - own_before;
  return all;
}

void print(const char* name, const Offered& of, const std::vector<double>& ratios) {
  std::printf(
      "{\"offered\": \"%s\", \"goodput\": %.1f, \"ratio\": %.3f, \"ratio_quarters\": [%.3f, %.3f], "
      "\"answer_p50_ms\": %.2f, \"answer_p99_ms\": %.2f, \"cpu_ms_an_answer\": %.2f, \"refused_per_s\": "
      "%.0f, "
      "\"refusal_p50_ms\": %.2f, \"refusal_p99_ms\": %.2f, \"clients_cpu_share\": %.3f}\n",
      name, of.goodput(), percentile(ratios, 0.5), percentile(ratios, 0.25), percentile(ratios, 0.75),
      percentile(of.answer_ms, 0.5), percentile(of.answer_ms, 0.99), of.cpu_ms_each(),
      of.refused / of.seconds, percentile(of.refusal_ms, 0.5), percentile(of.refusal_ms, 0.99),
      of.own_cpu_seconds / of.seconds);
}

// Turns of what can be served, of many times more, and of as much as can be served beside the same crowd at a
// process that refuses it for next to nothing: clients and server share the machine, and the last tells what
// the clients take from it. A machine's pace changes from one minute to the next, so the middle of the ratios
// of turns next to each other counts.
TEST(Overload, IsRefusedAndCostsNothing) {
  const Nothing nothing;
  const int rounds = count(1, 30), times = count(5, 10);
  const double seconds = count(4, 2);
  constexpr int kEnough = 4;  // two in work and two that wait
  Serving serving({"--quiet", "--no-log", "--parallel", "2", "--max-queue", "2", "--timeout", "20s"});
  const auto run = [&](int clients, int here, double time) {
    return offer(serving, clients, time, 20ms, here, nothing.port);
  };
  run(kEnough, kEnough, 1);  // warm
  Offered full, over, elsewhere, after;
  std::vector<double> ratios, after_ratios, elsewhere_ratios;
  double before = 0, growth = 0;
  for (int round = 0; round < rounds; ++round) {
    const Offered served = run(kEnough, kEnough, seconds);
    if (round == 0) before = resident(serving.process().pid());
    const Offered more = run(kEnough * times, kEnough * times, seconds);
    growth = (resident(serving.process().pid()) - before) / (1 << 20);
    const Offered again = run(kEnough, kEnough, std::min(seconds, 1.0));
    const Offered other = run(kEnough * times, kEnough, full_counts() ? seconds : 1);
    full.add(served), over.add(more), after.add(again), elsewhere.add(other);
    ratios.push_back(more.goodput() / served.goodput());
    after_ratios.push_back(again.goodput() / served.goodput());
    elsewhere_ratios.push_back(other.goodput() / served.goodput());
  }
  print("as much as can be served", full, {1});
  print("many times more", over, ratios);
  print("afterwards", after, after_ratios);
  print("more elsewhere", elsewhere, elsewhere_ratios);
  std::printf("{\"times\": %d, \"rounds\": %d, \"rss_growth_mib\": %.1f}\n", times, rounds, growth);
  EXPECT_EQ(full.other + over.other + after.other, 0);
  EXPECT_GT(over.refused, 0);
  EXPECT_LE(percentile(over.answer_ms, 0.99), 20'000);
  if (kMemoryIsItsOwn) {
    EXPECT_LE(growth, 64);
  }
  // An answer costs the server as much as before, refusals included: so goodput stays whatever else runs
  // here.
  EXPECT_LE(over.cpu_ms_each(), 2 * full.cpu_ms_each());
  if (full_counts()) {  // clock times are for a machine that does nothing else
    EXPECT_GE(percentile(ratios, 0.5), 0.95);
    EXPECT_GE(percentile(after_ratios, 0.5), 0.95);
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
