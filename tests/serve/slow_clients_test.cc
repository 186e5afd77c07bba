// R9: crowds of slow clients do not slow a normal one, and cost little memory each.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>

#include "tests/serve/crowd.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using namespace std::chrono_literals;

void raise_descriptors() {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Times of one request after the other on a connection, in ms, for `seconds`.
std::vector<double> normal_client(const Serving& serving, double seconds) {
  std::vector<double> times;
  TestClient client = serving.client();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    int status = 0;
    times.push_back(ms_of([&] { status = client.ask(query(1, false), 20000).status; }));
    EXPECT_EQ(status, 200);
    if (status != 200) break;
    std::this_thread::sleep_for(5ms);
  }
  return times;
}

TEST(SlowClients, DoNotSlowANormalOne) {
  raise_descriptors();
  const double seconds = count(4, 60);
  // A stream would be read by a slow reader in one gulp; the metrics are long enough to stay, many at once.
  std::string gulp;
  for (int i = 0; i < 40; ++i) gulp += get("/metrics");
  Serving serving({"--quiet", "--no-log"});
  normal_client(serving, 1);  // warm
  const std::vector<double> idle = normal_client(serving, seconds);
  const double before = resident(serving.process().pid());

  Crowd heads(serving.port, Crowd::Kind::kSlowHead, count(150, 2000));
  Crowd bodies(serving.port, Crowd::Kind::kSlowBody, count(40, 500));
  Crowd readers(serving.port, Crowd::Kind::kSlowReader, count(10, 500), gulp);
  std::atomic<bool> over = false;
  std::thread dripping([&] {
    while (!over) {
      for (Crowd* crowd : {&heads, &bodies, &readers}) crowd->drip();
      std::this_thread::sleep_for(500ms);
    }
  });
  std::this_thread::sleep_for(full_counts() ? 5s : 500ms);  // until what the readers asked for is made
  const double waiting = static_cast<double>(count(190, 2500));
  const double each = (resident(serving.process().pid()) - before) / waiting;
  const std::vector<double> crowded = normal_client(serving, seconds);
  over = true;
  dripping.join();

  const double ratio = percentile(crowded, 0.99) / percentile(idle, 0.99);
  std::printf(
      "{\"idle_p50_ms\": %.2f, \"idle_p99_ms\": %.2f, \"crowded_p50_ms\": %.2f, \"crowded_p99_ms\": %.2f, "
      "\"p99_ratio\": %.3f, \"bytes_each\": %.0f, \"requests\": [%zu, %zu], \"came_again\": %d}\n",
      percentile(idle, 0.5), percentile(idle, 0.99), percentile(crowded, 0.5), percentile(crowded, 0.99),
      ratio, each, idle.size(), crowded.size(), heads.returned());
  if (full_counts()) {
    EXPECT_LE(ratio, 1.2);  // on a machine that does nothing else
  }
  // Every run rules out that slow clients take threads: then nobody would be answered.
  EXPECT_LE(percentile(crowded, 0.5), 1.5 * percentile(idle, 0.5) + 10);
  EXPECT_LE(each, 64 * 1024);  // slow readers' answers included; see WaitingConnections for those that wait
}

TEST(SlowClients, CostLittleMemoryEach) {
  raise_descriptors();
  const int size = count(1000, 3000);
  Serving serving({"--quiet", "--no-log"});
  normal_client(serving, 0.5);
  {  // what the first crowd leaves in the allocator is not the second's
    Crowd heads(serving.port, Crowd::Kind::kSlowHead, size);
    std::this_thread::sleep_for(300ms);
  }
  std::this_thread::sleep_for(500ms);
  const double before = resident(serving.process().pid());
  Crowd heads(serving.port, Crowd::Kind::kSlowHead, size / 2);
  Crowd bodies(serving.port, Crowd::Kind::kSlowBody, size / 2);
  EXPECT_EQ(serving.client().ask(get("/health")).status, 200);  // so all before it were seen
  std::this_thread::sleep_for(300ms);
  const double each = (resident(serving.process().pid()) - before) / size;
  std::printf("{\"connections\": %d, \"bytes_each_again\": %.0f}\n", size, each);
  EXPECT_LE(each, 32 * 1024);
}

TEST(SlowClients, KeepNothingOfALargeRequestBeforeTheyWait) {
  raise_descriptors();
  const int size = count(300, 1000);
  Serving serving({"--quiet", "--no-log"});
  const std::string large = post("/v1/query", "{\"image_url\": \"" + std::string(200'000, 'x'));
  std::vector<TestClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(serving.client());
    EXPECT_EQ(clients.back().ask(large, 20000).status, 400);
  }
  const double before = resident(serving.process().pid());
  for (int i = 0; i < size; ++i) {
    clients.push_back(serving.client());
    EXPECT_EQ(clients.back().ask(large, 20000).status, 400);
  }
  const double each = (resident(serving.process().pid()) - before) / size;
  std::printf("{\"idle_connections\": %d, \"bytes_each_after_200_kB\": %.0f}\n", size, each);
  EXPECT_LE(each, 32 * 1024);
}

TEST(SlowClients, AreGivenUpInTime) {
  Serving serving({"--quiet", "--no-log"});
  TestClient head = serving.client();
  head.say("GET /health HT");
  const double ms = ms_of([&] {
    std::atomic<bool> over = false;
    std::thread dripping([&] {
      while (!over && head.say("x")) std::this_thread::sleep_for(200ms);
    });
    EXPECT_EQ(head.hear(15000).status, 408);
    over = true;
    dripping.join();
  });
  EXPECT_GE(ms, 4500);
  EXPECT_LE(ms, 8000);
}

}  // namespace
}  // namespace moonbeam::test
