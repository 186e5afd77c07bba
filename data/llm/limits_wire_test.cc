// The client against the mock over real sockets: budgets, windows, rates, deadlines, several servers.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/machine.h"
#include "base/test_folder.h"
#include "data/llm/test_calls.h"

namespace moonbeam::llm {
namespace {

using mockllm::Server;
using mockllm::ServerOptions;

TEST(Client, NeverPassesABudget) {
  Server server({});
  for (const char* what : {"calls", "tokens", "money"}) {
    const std::string kind(what);
    ClientOptions options = test_options(server.url());
    options.endpoints[0].prices.prompt = 1;
    options.endpoints[0].prices.completion = 4;
    options.endpoints[0].start_window = 64;
    if (kind == "calls") options.budget.calls = 57;
    if (kind == "tokens") options.budget.tokens = 5000;
    if (kind == "money") options.budget.money = 0.004;
    Ledger ledger;
    Client client(options, nullptr, &ledger);
    const std::vector<Result> results = client.ask_all(test_calls(300));
    client.wait_idle();
    const ClientStats stats = client.stats();
    EXPECT_TRUE(stats.over_budget) << what;
    EXPECT_GT(count_ok(results), 10) << what;
    EXPECT_LT(count_ok(results), 300) << what;
    for (const Result& one : results) {
      EXPECT_TRUE(one.ok() || one.outcome == Outcome::kOverBudget) << outcome_name(one.outcome);
    }
    if (kind == "calls") {
      EXPECT_EQ(stats.spent.calls, 57);
    }
    if (kind == "tokens") {
      EXPECT_LE(stats.spent.tokens(), 5000);
    }
    if (kind == "money") {
      EXPECT_LE(stats.spent.money, 0.004);
    }
  }
}

TEST(Client, AnImageHasABudgetOfItsOwn) {
  Server server(with_faults({"500=0,first=1"}));
  ClientOptions options = test_options(server.url());
  options.budget.image_calls = 5;
  Client client(options, nullptr, nullptr);
  // Four calls an image, two tries each: five tries are two answers and a half.
  const std::vector<Result> results = client.ask_all(test_calls(12));
  EXPECT_EQ(server.counts().requests, 15U);
  EXPECT_FALSE(client.stats().over_budget);
  EXPECT_LT(count_ok(results), 12);
  EXPECT_GT(count_ok(results), 0);
}

TEST(Client, TheLedgerRemembersWhatEarlierRunsSpent) {
  Server server({});
  const base::TestFolder folder;
  ClientOptions options = test_options(server.url());
  options.budget.calls = 10;
  {
    Ledger ledger(folder / "ledger.jsonl", "run-1", "shard-0");
    Client client(options, nullptr, &ledger);
    EXPECT_EQ(count_ok(client.ask_all(test_calls(7))), 7);
  }
  Ledger ledger(folder / "ledger.jsonl", "run-1", "shard-0");
  EXPECT_EQ(ledger.total().calls, 7);
  Client client(options, nullptr, &ledger);
  EXPECT_EQ(count_ok(client.ask_all(test_calls(20))), 3);
}

TEST(Client, AServerThatIsDeadLeavesItsLoadToTheOther) {
  Server alive({});
  ClientOptions options = test_options("http://127.0.0.1:1/v1");  // nobody listens there
  options.endpoints.push_back(options.endpoints[0]);
  options.endpoints[0].name = "dead";
  options.endpoints[1].url = alive.url();
  Client client(options, nullptr, nullptr);
  EXPECT_EQ(count_ok(client.ask_all(test_calls(400))), 400);
  client.wait_idle();
  const ClientStats stats = client.stats();
  EXPECT_TRUE(stats.endpoints[0].out_of_order);
  EXPECT_LT(stats.endpoints[0].sent, 60);
}

TEST(Client, AServerThatComesBackIsAskedAgain) {
  Server other({}), sick(with_faults({"500=1,until=12"}));
  ClientOptions options = test_options(sick.url());
  options.endpoints.push_back(options.endpoints[0]);
  options.endpoints[1].url = other.url();
  options.endpoints[0].name = "sick";
  Client client(options, nullptr, nullptr);
  const double until = base::now_ms() + 10'000;
  int number = 0;
  while (sick.counts().answered < 20 && base::now_ms() < until) {
    std::vector<Call> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(test_call(number++));
    EXPECT_EQ(count_ok(client.ask_all(std::move(calls))), 20);
  }
  EXPECT_GE(sick.counts().answered, 20U);
}

TEST(Client, WeightsShareTheLoad) {
  ServerOptions slow;
  slow.latency_ms = 3;
  Server a(slow), b(slow);
  ClientOptions options = test_options(a.url());
  options.endpoints.push_back(options.endpoints[0]);
  options.endpoints[1].url = b.url();
  options.endpoints[0].weight = 3;
  for (EndpointOptions& one : options.endpoints) one.start_window = one.most_in_flight = 30;
  // Fewer are under way than both windows hold, so that the weights decide and not the windows.
  Client client(options, nullptr, nullptr);
  for (int round = 0; round < 25; ++round) {
    std::vector<Call> calls;
    for (int i = 0; i < 16; ++i) calls.push_back(test_call(16 * round + i));
    client.ask_all(std::move(calls));
  }
  const double share = static_cast<double>(a.counts().requests) / 400;
  EXPECT_GT(share, 0.65);
  EXPECT_LT(share, 0.85);
}

TEST(Client, ConcurrencyFindsTheServersCapacity) {
  ServerOptions narrow;
  narrow.latency_ms = 4;
  narrow.capacity = 24;
  Server server(narrow);
  ClientOptions options = test_options(server.url());
  options.endpoints[0].start_window = 200;  // far too wide
  options.max_tries = 1000;
  Client client(options, nullptr, nullptr);
  EXPECT_EQ(count_ok(client.ask_all(test_calls(6000))), 6000);
  client.wait_idle();
  const EndpointStats end = client.stats().endpoints[0];
  EXPECT_GE(end.window, 8);
  EXPECT_LE(end.window, 36);
  // In the end few are sent away: the last half of the run has less than a tenth of them.
  const mockllm::ServerCounts before = server.counts();
  std::vector<Call> more;
  for (int i = 6000; i < 9000; ++i) more.push_back(test_call(i));
  EXPECT_EQ(count_ok(client.ask_all(std::move(more))), 3000);
  EXPECT_LT(server.counts().sent_away - before.sent_away, 600U);
}

TEST(Client, ConcurrencyGrowsWhereTheServerAllows) {
  ServerOptions wide;
  wide.latency_ms = 2;
  Server server(wide);
  Client client(test_options(server.url()), nullptr, nullptr);
  client.ask_all(test_calls(2000));
  client.wait_idle();
  EXPECT_GT(client.stats().endpoints[0].window, 30);  // 8 + 2000 / 50, less what was not in use
}

TEST(Client, KeepsToRatesOfRequests) {
  Server server({});
  ClientOptions options = test_options(server.url());
  options.endpoints[0].requests_per_minute = 1200;  // 120 at once, then 20 a second
  Client client(options, nullptr, nullptr);
  const double start = base::now_ms();
  EXPECT_EQ(count_ok(client.ask_all(test_calls(150))), 150);
  const double seconds = (base::now_ms() - start) / 1000;
  EXPECT_GT(seconds, 1.3);  // 30 more at 20 a second
  EXPECT_LT(seconds, 6);
}

TEST(Client, WaitsAsLongAsRetryAfterSays) {
  Server server(with_faults({"429=0,first=1,retry_after=1"}));
  Client client(test_options(server.url()), nullptr, nullptr);
  const double start = base::now_ms();
  const Result result = client.ask(test_call(1));
  EXPECT_TRUE(result.ok());
  EXPECT_GT(base::now_ms() - start, 990);
}

TEST(Client, ARetryAfterBeyondTheDeadlineEndsTheCallAtOnce) {
  Server server(with_faults({"429=0,first=1,retry_after=Wed, 21 Oct 2065 07:28:00 GMT"}));
  Client client(test_options(server.url()), nullptr, nullptr);
  const double start = base::now_ms();
  const Result result = client.ask(test_call(1));
  EXPECT_EQ(result.outcome, Outcome::kTimeout);
  EXPECT_LT(base::now_ms() - start, 2000);
}

TEST(Client, ACallHasADeadline) {
  Server server(with_faults({"hang=1"}));
  ClientOptions options = test_options(server.url());
  options.try_timeout_ms = 100;
  Client client(options, nullptr, nullptr);
  Call call = test_call(1);
  call.deadline = std::chrono::milliseconds(350);
  const double start = base::now_ms();
  const Result result = client.ask(call);
  EXPECT_EQ(result.outcome, Outcome::kTimeout);
  EXPECT_GE(result.tries, 2);
  EXPECT_LT(base::now_ms() - start, 3000);
}

TEST(Client, ARunHasADeadline) {
  Server server(with_faults({"hang=1"}));
  ClientOptions options = test_options(server.url());
  options.run_deadline_ms = 300;
  Client client(options, nullptr, nullptr);
  const double start = base::now_ms();
  for (const Result& one : client.ask_all(test_calls(50))) EXPECT_EQ(one.outcome, Outcome::kCancelled);
  EXPECT_LT(base::now_ms() - start, 3000);
  EXPECT_NE(client.stats().stopped, "");
}

TEST(Client, CallsForServersThatAreAllOutOfOrderEnd) {
  ClientOptions options = test_options("http://127.0.0.1:1/v1");
  options.breaker_failures = 3;
  options.give_up_ms = 300;
  options.max_tries = 1000;
  Client client(options, nullptr, nullptr);
  const double start = base::now_ms();
  const std::vector<Result> results = client.ask_all(test_calls(100));
  for (const Result& one : results) EXPECT_EQ(one.outcome, Outcome::kUnreachable);
  EXPECT_NE(results.back().message.find("connect"), std::string::npos) << results.back().message;
  EXPECT_LT(base::now_ms() - start, 10'000);
}

TEST(Client, StopLetsWhatIsUnderWayEnd) {
  ServerOptions slow;
  slow.latency_ms = 200;
  Server server(slow);
  Client client(test_options(server.url()), nullptr, nullptr);
  std::mutex mutex;
  std::vector<Result> results;
  for (int i = 0; i < 40; ++i) {
    client.submit(test_call(i), [&](Result result) {
      const std::lock_guard lock(mutex);
      results.push_back(std::move(result));
    });
  }
  while (server.counts().in_flight < 8) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  client.stop("enough", 5000);
  client.wait_idle();
  EXPECT_EQ(results.size(), 40U);
  EXPECT_EQ(count_ok(results), 8);
  EXPECT_EQ(server.counts().requests, 8U);
}

TEST(Client, ClosingEndsEveryCall) {
  Server server(with_faults({"hang=1"}));
  std::atomic<int> ended{0};
  const double start = base::now_ms();
  {
    Client client(test_options(server.url()), nullptr, nullptr);
    for (int i = 0; i < 40; ++i) {
      client.submit(test_call(i), [&](const Result& result) {
        EXPECT_EQ(result.outcome, Outcome::kCancelled);
        ++ended;
      });
    }
  }
  EXPECT_EQ(ended, 40);
  EXPECT_LT(base::now_ms() - start, 3000);
}

}  // namespace
}  // namespace moonbeam::llm
