// R9: crowds of slow clients do not slow a normal one, and cost little memory each.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>

#include "tests/serve/crowd.h"
#include "tests/serve/nothing.h"
#include "tests/serve/serving.h"
#include "tests/serve/slowhttptest.h"

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

/// A normal client of `serving` beside a crowd at `port`.
std::vector<double> beside_a_crowd(const Serving& serving, std::uint16_t port, bool in_step, double seconds,
                                   double* bytes_each = nullptr) {
  // A stream would be read by a slow reader in one gulp; the metrics are long enough to stay, many at once.
  std::string gulp;
  for (int i = 0; i < 40; ++i) gulp += get("/metrics");
  const double before = resident(serving.process().pid());
  Crowd heads(port, Crowd::Kind::kSlowHead, count(150, 2000));
  Crowd bodies(port, Crowd::Kind::kSlowBody, count(40, 500));
  Crowd readers(port, Crowd::Kind::kSlowReader, count(10, 500), gulp);
  const Dripping dripping({&heads, &bodies, &readers}, in_step);
  std::this_thread::sleep_for(full_counts() ? 5s : 500ms);  // until what the readers asked for is made
  if (bytes_each != nullptr) *bytes_each = (resident(serving.process().pid()) - before) / count(200, 3000);
  std::vector<double> times = normal_client(serving, seconds);
  // At the lowest priority it might stand still on a machine that has no time left.
  if (full_counts()) {
    EXPECT_GE(dripping.moved(), 0.8);
  }
  return times;
}

int connections_of(const Serving& serving) {
  const std::string metrics = serving.client().ask(get("/metrics")).body, name = "\nmoonbeam:connections ";
  const std::size_t at = metrics.find(name);
  return at == std::string::npos ? 0 : std::stoi(metrics.substr(at + name.size()));
}

/// Times of a client without a crowd, beside one elsewhere, and beside one of the same server, in turns.
struct Turns {
  std::vector<double> idle, alone, crowded;
  std::vector<double> to_idle, to_alone;  ///< ratios of turns next to each other, of the p99
  double bytes_each = 0;

  /// One turn of each, one after the other.
  void keep(const std::vector<double>& now_idle, const std::vector<double>& now_alone,
            const std::vector<double>& now_crowded) {
    const double p99 = percentile(now_crowded, 0.99);
    to_idle.push_back(p99 / percentile(now_idle, 0.99));
    to_alone.push_back(p99 / percentile(now_alone, 0.99));
    idle.insert(idle.end(), now_idle.begin(), now_idle.end());
    alone.insert(alone.end(), now_alone.begin(), now_alone.end());
    crowded.insert(crowded.end(), now_crowded.begin(), now_crowded.end());
  }
  void take(const Serving& serving, std::uint16_t elsewhere, bool in_step, double seconds) {
    double each = 0;
    const std::vector<double> now_idle = normal_client(serving, seconds);
    const std::vector<double> now_alone = beside_a_crowd(serving, elsewhere, in_step, seconds);
    keep(now_idle, now_alone, beside_a_crowd(serving, serving.port, in_step, seconds, &each));
    bytes_each = std::max(bytes_each, each);  // a later crowd finds memory that an earlier one left
    std::this_thread::sleep_for(full_counts() ? 4s : 100ms);  // until the crowd is forgotten
  }
  /// Every run rules out that slow clients take threads: then nobody would be answered. What else the machine
  /// does meanwhile, the turns without them meet as well.
  void check() const {
    if (full_counts()) {
      EXPECT_LE(percentile(to_idle, 0.5), 1.2) << "on a machine that does nothing else";
    }
    const double without = std::max(percentile(idle, 0.5), percentile(alone, 0.5));
    EXPECT_LE(percentile(crowded, 0.5), 1.5 * without + 10);
  }
  void print(const char* crowd) const {
    std::printf(
        "{\"crowd\": \"%s\", \"p50_ms\": [%.2f, %.2f, %.2f], \"p99_ms\": [%.2f, %.2f, %.2f], "
        "\"p99_to_idle\": %.3f, \"p99_to_elsewhere\": %.3f, \"bytes_each\": %.0f, "
        "\"requests\": [%zu, %zu, %zu]}\n",
        crowd, percentile(idle, 0.5), percentile(alone, 0.5), percentile(crowded, 0.5),
        percentile(idle, 0.99), percentile(alone, 0.99), percentile(crowded, 0.99), percentile(to_idle, 0.5),
        percentile(to_alone, 0.5), bytes_each, idle.size(), alone.size(), crowded.size());
  }
};

// What a crowd takes from a machine that it shares with the server is not the server's: hence the crowd of a
// process that does nothing.
TEST(SlowClients, DoNotSlowANormalOne) {
  raise_descriptors();
  const Nothing nothing;
  Serving serving({"--quiet", "--no-log"});
  normal_client(serving, 1);  // warm
  Turns spread, in_step;
  for (int round = 0; round < count(1, 5); ++round) spread.take(serving, nothing.port, false, count(3, 12));
  spread.print("spread");
  spread.check();
  for (int round = 0; round < count(0, 5); ++round) in_step.take(serving, nothing.port, true, 12);
  if (full_counts()) {
    in_step.print("in step");
    in_step.check();
  }
  // Slow readers' answers included; see CostLittleMemoryEach for those that wait.
  if (kMemoryIsItsOwn) {
    EXPECT_LE(spread.bytes_each, 64 * 1024);
  }
}

// R9 with the tool that it names, its three kinds, and one client that works. The tool and the server share
// the machine: what the same tool takes that is busy with another process is told as well.
TEST(SlowClients, OfSlowhttptestDoNotSlowANormalOne) {
  if (!SlowHttpTest::is_installed()) GTEST_SKIP() << "no slowhttptest: tools/install-packages load";
  raise_descriptors();
  const Nothing nothing;
  Serving serving({"--quiet", "--no-log"});
  normal_client(serving, 1);  // warm
  Turns turns;
  int held = 0;
  for (int round = 0; round < count(1, 5); ++round) {
    const double seconds = count(3, 12);
    const auto beside = [&](std::uint16_t port) {
      const SlowHttpTest slow(port, {count(150, 2000), count(25, 500), count(25, 500)});
      std::this_thread::sleep_for(3s);
      std::vector<double> times = normal_client(serving, seconds);
      if (port == serving.port) held = std::max(held, connections_of(serving));
      return times;
    };
    const std::vector<double> idle = normal_client(serving, seconds);
    const std::vector<double> elsewhere = beside(nothing.port);
    turns.keep(idle, elsewhere, beside(serving.port));
    std::this_thread::sleep_for(full_counts() ? 5s : 100ms);  // until they are forgotten
  }
  turns.print("slowhttptest");
  std::printf("{\"most_connections_seen\": %d}\n", held);
  EXPECT_GE(held, count(25, 1000));  // they are there
  turns.check();
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
  if (kMemoryIsItsOwn) {
    EXPECT_LE(each, 32 * 1024);
  }
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
