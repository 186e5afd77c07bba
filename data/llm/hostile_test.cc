// Answers of a server that means harm: more than allowed, in a form that nobody expects, for ever.
#include <gtest/gtest.h>

#include "base/machine.h"
#include "data/llm/test_calls.h"

namespace moonbeam::llm {
namespace {

using mockllm::Server;

std::int64_t peak_growth_mb(const std::function<void()>& work) {
  const std::int64_t before = base::peak_resident_bytes();
  work();
  return (base::peak_resident_bytes() - before) >> 20;
}

TEST(HostileServer, ABodyOfAGigabyteIsBrokenOff) {
  Server server(with_faults({"huge=1"}));
  ClientOptions options = test_options(server.url());
  options.max_tries = 2;
  options.max_answer = std::size_t{1} << 20;
  const std::int64_t grown = peak_growth_mb([&] {
    Client client(options, nullptr, nullptr);
    for (const Result& one : client.ask_all(test_calls(8))) {
      EXPECT_EQ(one.outcome, Outcome::kBroken);
      EXPECT_NE(one.message.find("larger"), std::string::npos) << one.message;
    }
  });
  EXPECT_LT(grown, 150);
}

TEST(HostileServer, HeadersWithoutEndAreBrokenOff) {
  Server server(with_faults({"headers=1"}));
  ClientOptions options = test_options(server.url());
  options.max_tries = 2;
  const std::int64_t grown = peak_growth_mb([&] {
    Client client(options, nullptr, nullptr);
    for (const Result& one : client.ask_all(test_calls(8))) EXPECT_FALSE(one.ok());
  });
  EXPECT_LT(grown, 100);
}

TEST(HostileServer, ADripEndsWithTheTry) {
  Server server(with_faults({"drip=1"}));
  ClientOptions options = test_options(server.url());
  options.max_tries = 2;
  options.try_timeout_ms = 200;
  Client client(options, nullptr, nullptr);
  const double start = base::now_ms();
  for (const Result& one : client.ask_all(test_calls(8))) EXPECT_EQ(one.outcome, Outcome::kTimeout);
  EXPECT_LT(base::now_ms() - start, 5000);
}

TEST(HostileServer, OneThatNeverAnswersEndsInTimeWithAWord) {
  Server server(with_faults({"hang=1"}));
  ClientOptions options = test_options(server.url());
  options.try_timeout_ms = 100;
  options.deadline_ms = 1000;
  options.give_up_ms = 500;
  Client client(options, nullptr, nullptr);
  const double start = base::now_ms();
  for (const Result& one : client.ask_all(test_calls(100))) {
    EXPECT_TRUE(one.outcome == Outcome::kTimeout || one.outcome == Outcome::kUnreachable);
    EXPECT_NE(one.message, "");
  }
  EXPECT_LT(base::now_ms() - start, 15'000);
}

TEST(HostileServer, MixedFaultsLoseNothing) {
  Server server(with_faults({"429=0.05", "500=0.05", "reset=0.03", "reset_body=0.03", "wrong_length=0.03",
                             "truncated=0.02", "not_http=0.02", "hang=0.01", "slow=0.05,ms=20",
                             "invalid_json=0.05", "wrong_schema=0.03", "cut=0.03"}));
  ClientOptions options = test_options(server.url());
  options.try_timeout_ms = 500;
  options.endpoints[0].start_window = 64;
  Client client(options, nullptr, nullptr);
  const std::vector<Result> results = client.ask_all(test_calls(2000));
  EXPECT_GE(count_ok(results), 1990);  // three useless answers in a row are left: 0.11^3
  client.wait_idle();
  const ClientStats stats = client.stats();
  std::int64_t sum = 0;
  for (const std::int64_t one : stats.outcomes) sum += one;
  EXPECT_EQ(sum, 2000);
  EXPECT_EQ(stats.finished, 2000);
}

}  // namespace
}  // namespace moonbeam::llm
