// The client against the mock over real sockets: what comes out of it, and what it never tells.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "base/test_folder.h"
#include "data/llm/batch.h"
#include "data/llm/cache.h"
#include "data/llm/test_calls.h"

namespace moonbeam::llm {
namespace {

using mockllm::Server;
using mockllm::ServerOptions;

TEST(Client, AnswersManyCallsInTheirOrder) {
  Server server({});
  Client client(test_options(server.url()), nullptr, nullptr);
  const std::vector<Result> results = client.ask_all(test_calls(300));
  ASSERT_EQ(results.size(), 300U);
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i].ok()) << results[i].message;
    EXPECT_EQ(results[i].request, request_id(test_call(static_cast<int>(i))));
    EXPECT_TRUE(results[i].value.contains("verdict"));
    EXPECT_GT(results[i].usage.prompt, 0);
    EXPECT_EQ(results[i].tries, 1);
  }
  EXPECT_EQ(server.counts().requests, 300U);
}

TEST(Client, TwoRunsGiveTheSameAnswers) {
  Server one({}), two({});
  Client first(test_options(one.url()), nullptr, nullptr), second(test_options(two.url()), nullptr, nullptr);
  const auto a = first.ask_all(test_calls(50)), b = second.ask_all(test_calls(50));
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].text, b[i].text);
}

TEST(Client, AsksEqualCallsThatAreUnderWayOnce) {
  ServerOptions slow;
  slow.latency_ms = 100;
  Server server(slow);
  Client client(test_options(server.url()), nullptr, nullptr);
  const std::vector<Result> results = client.ask_all({test_call(1), test_call(1), test_call(1)});
  EXPECT_EQ(count_ok(results), 3);
  EXPECT_EQ(server.counts().requests, 1U);
  EXPECT_FALSE(results[0].cached);
  EXPECT_TRUE(results[1].cached && results[2].cached);
}

TEST(Client, ASecondAttemptHasAnotherSeedAndIsLongerAfterACut) {
  Call call = test_call(1);
  call.sampling.max_tokens = 100;
  const Sampling first = sampling_of(call, {0, false}, 4096), second = sampling_of(call, {1, true}, 4096);
  EXPECT_EQ(first.seed, call.sampling.seed);
  EXPECT_NE(second.seed, first.seed);
  EXPECT_EQ(second.max_tokens, 200);
  EXPECT_EQ(sampling_of(call, {2, true}, 300).max_tokens, 300);
  EXPECT_EQ(second.seed, sampling_of(call, {1, true}, 4096).seed);
}

TEST(Client, ASecondAttemptHelpsWhereAnotherSeedDoes) {
  Server server(with_faults({"invalid_json=0.4"}));
  Client client(test_options(server.url()), nullptr, nullptr);
  const std::vector<Result> results = client.ask_all(test_calls(200));
  // 0.4^3 = 6 % fail three times.
  EXPECT_GT(count_ok(results), 170);
  EXPECT_GT(client.stats().second_attempts, 50);
}

TEST(Client, SaysThatAPromptIsTooLong) {
  ServerOptions small;
  small.mock.context = 20;
  Server server(small);
  Client client(test_options(server.url()), nullptr, nullptr);
  const Result result = client.ask(test_call(1));
  EXPECT_EQ(result.outcome, Outcome::kTooLong);
  EXPECT_EQ(result.tries, 1);
}

TEST(Client, AWrongKeyStopsEverythingAndIsNeverShown) {
  ServerOptions locked;
  locked.mock.key = "right-key-1";
  Server server(locked);
  ::setenv("MOONBEAM_TEST_KEY", "wrong-key-2", 1);
  ClientOptions options = test_options(server.url());
  options.endpoints[0].key_env = "MOONBEAM_TEST_KEY";
  options.endpoints[0].start_window = 1;
  const base::TestFolder folder;
  Ledger ledger(folder / "ledger.jsonl");
  Client client(options, nullptr, &ledger);
  const std::vector<Result> results = client.ask_all(test_calls(20));
  EXPECT_EQ(results[0].outcome, Outcome::kDenied);
  for (const Result& one : results) {
    EXPECT_FALSE(one.ok());
    EXPECT_EQ(one.message.find("wrong-key"), std::string::npos);
  }
  EXPECT_LE(server.counts().requests, 2U);
  EXPECT_NE(client.stats().stopped, "");
  EXPECT_EQ(folder.get("ledger.jsonl").find("wrong-key"), std::string::npos);
  EXPECT_EQ(client.ask(test_call(99)).outcome, Outcome::kCancelled);
}

TEST(Client, TheRightKeyOpens) {
  ServerOptions locked;
  locked.mock.key = "right-key-1";
  Server server(locked);
  ::setenv("MOONBEAM_TEST_KEY", "right-key-1", 1);
  ClientOptions options = test_options(server.url());
  options.endpoints[0].key_env = "MOONBEAM_TEST_KEY";
  Client client(options, nullptr, nullptr);
  EXPECT_TRUE(client.ask(test_call(1)).ok());
}

TEST(Client, AKeyThatIsNotInTheEnvironmentIsSaidAtOnce) {
  ::unsetenv("MOONBEAM_TEST_KEY");
  ClientOptions options = test_options("http://127.0.0.1:1/v1");
  options.endpoints[0].key_env = "MOONBEAM_TEST_KEY";
  EXPECT_THROW(Client(options, nullptr, nullptr), Error);
}

TEST(Client, RefusesCallsThatCannotBeMade) {
  Server server({});
  ClientOptions options = test_options(server.url());
  options.endpoints[0].models = {"other"};
  Client client(options, nullptr, nullptr);
  EXPECT_THROW(client.ask(test_call(1)), Error);  // a model that nobody serves
  Call call = test_call(1);
  call.model = "other";
  call.messages.clear();
  EXPECT_THROW(client.ask(call), Error);
  call = test_call(1);
  call.model = "other";
  call.messages[0].text = "\xff";
  EXPECT_THROW(client.ask(call), Error);
  call = test_call(1);
  call.model = "other";
  call.schema = OrderedJson::parse(R"({"$ref":"#/definitions/x"})");
  EXPECT_THROW(client.ask(call), Error);
}

class FindsDialect : public ::testing::TestWithParam<Dialect> {};

TEST_P(FindsDialect, ByAProbeAndRemembersIt) {
  ServerOptions speaks;
  speaks.mock.dialects = {GetParam()};
  Server server(speaks);
  const base::TestFolder folder;
  ClientOptions options = test_options(server.url());
  options.endpoints[0].dialect.reset();
  options.dialect_file = folder / "dialects.json";
  {
    Client client(options, nullptr, nullptr);
    const std::vector<Result> results = client.ask_all(test_calls(4));
    const bool constrained =
        GetParam() != Dialect::kNone && GetParam() != Dialect::kJsonObject && GetParam() != Dialect::kGrammar;
    if (constrained) {
      EXPECT_EQ(count_ok(results), 4);
    }
    const Dialect found = GetParam() == Dialect::kGrammar ? Dialect::kNone : GetParam();
    EXPECT_EQ(client.stats().endpoints[0].dialect, dialect_name(found));
  }
  const std::uint64_t before = server.counts().requests;
  Client again(options, nullptr, nullptr);
  again.ask(test_call(77));
  EXPECT_LE(server.counts().requests, before + 3) << "no probe the second time, at most its attempts";
}
INSTANTIATE_TEST_SUITE_P(EachDialect, FindsDialect,
                         ::testing::Values(Dialect::kJsonSchema, Dialect::kStructuredOutputs,
                                           Dialect::kGuidedJson, Dialect::kLlamaSchema, Dialect::kJsonObject,
                                           Dialect::kNone),
                         [](const auto& one) { return std::string(dialect_name(one.param)); });

TEST(Client, AWrongPathIsSaidBeforeAnythingIsStored) {
  Server server({});
  const base::TestFolder folder;
  Cache cache(folder.path(), "w");
  ClientOptions options = test_options(server.url() + "/nowhere");
  options.endpoints[0].dialect.reset();
  Client client(options, &cache, nullptr);
  EXPECT_EQ(client.ask(test_call(1)).outcome, Outcome::kCancelled);
  EXPECT_NE(client.stats().stopped.find("404"), std::string::npos);
  EXPECT_EQ(cache.stats().rows, 0U);
}

TEST(Client, APathThatIsNotThereIsNotStoredAsAnAnswer) {
  Server server({});
  const base::TestFolder folder;
  Cache cache(folder.path(), "w");
  {
    Client client(test_options(server.url() + "/nowhere"), &cache, nullptr);
    EXPECT_EQ(client.ask(test_call(1)).outcome, Outcome::kCancelled);
    EXPECT_NE(client.stats().stopped.find("404"), std::string::npos);
  }
  Client client(test_options(server.url()), &cache, nullptr);
  EXPECT_TRUE(client.ask(test_call(1)).ok());
}

TEST(Client, AResultThatNobodyCanTakeStopsIt) {
  Server server({});
  Client client(test_options(server.url()), nullptr, nullptr);
  client.submit(test_call(1), [](const Result&) { throw std::runtime_error("no room"); });
  client.wait_idle();
  EXPECT_FALSE(client.ask(test_call(2)).ok() && client.ask(test_call(3)).ok());
  EXPECT_NE(client.stats().stopped.find("no room"), std::string::npos);
}

TEST(Client, StoredAnswersAreNotAskedForAgain) {
  Server server(with_faults({"refuse=0.2", "400=0.1", "invalid_json=0.1"}));
  const base::TestFolder folder;
  std::vector<Result> first, second;
  {
    Cache cache(folder.path(), "w");
    Client client(test_options(server.url()), &cache, nullptr);
    first = client.ask_all(test_calls(100));
  }
  const std::uint64_t asked = server.counts().requests;
  Cache cache(folder.path(), "other");
  Client client(test_options(server.url()), &cache, nullptr);
  second = client.ask_all(test_calls(100));
  EXPECT_EQ(server.counts().requests, asked);
  EXPECT_EQ(client.stats().from_cache, 100);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].outcome, second[i].outcome);
    EXPECT_EQ(first[i].text, second[i].text);
    EXPECT_EQ(first[i].value, second[i].value);
    EXPECT_TRUE(second[i].cached);
  }
}

TEST(Client, WhatBadLuckEndedIsAskedAgain) {
  const base::TestFolder folder;
  Cache cache(folder.path(), "w");
  {
    Server server(with_faults({"500=1"}));
    ClientOptions options = test_options(server.url());
    options.max_tries = 2;
    Client client(options, &cache, nullptr);
    EXPECT_EQ(client.ask(test_call(1)).outcome, Outcome::kBusy);
  }
  Server server({});
  Client client(test_options(server.url()), &cache, nullptr);
  EXPECT_TRUE(client.ask(test_call(1)).ok());
}

TEST(Client, ACallMayLeadToTheNext) {
  Server server({});
  Client client(test_options(server.url()), nullptr, nullptr);
  std::atomic<int> ended{0};
  std::function<void(int)> ask = [&](int number) {
    client.submit(test_call(number), [&, number](const Result& result) {
      EXPECT_TRUE(result.ok());
      if (++ended < 100) ask(number + 1);
    });
  };
  ask(0);
  client.wait_idle();
  EXPECT_EQ(ended, 100);
}

TEST(Client, EmbeddingsAreCallsToo) {
  Server server({});
  const base::TestFolder folder;
  Cache cache(folder.path(), "w");
  Client client(test_options(server.url()), &cache, nullptr);
  Call call;
  call.kind = CallKind::kEmbeddings;
  call.id = "e";
  call.model = "mock";
  call.inputs = {"a red dog", "a red dog on grass", "seven boats"};
  const Result result = client.ask(call);
  ASSERT_TRUE(result.ok()) << result.message;
  ASSERT_EQ(result.embeddings.size(), 3U);
  const auto dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < result.embeddings[a].size(); ++i) {
      sum += result.embeddings[a][i] * result.embeddings[b][i];
    }
    return sum;
  };
  EXPECT_NEAR(dot(0, 0), 1, 1e-5);
  EXPECT_GT(dot(0, 1), dot(0, 2) + 0.2);
  const Result again = client.ask(call);
  EXPECT_TRUE(again.cached);
  EXPECT_EQ(again.embeddings, result.embeddings);
}

TEST(Client, OfflineWritesABatchAndReadsItBack) {
  const base::TestFolder folder;
  Cache cache(folder / "cache", "w");
  {
    BatchOptions files;
    files.folder = folder / "batches";
    files.max_rows = 40;
    BatchWriter batch(files);
    ClientOptions options;
    options.batch = &batch;
    Client client(options, &cache, nullptr);
    for (const Result& one : client.ask_all(test_calls(100))) EXPECT_EQ(one.outcome, Outcome::kDeferred);
    batch.finish();
    EXPECT_EQ(batch.rows(), 100);
    EXPECT_EQ(batch.files(), 3);
  }
  // What a batch service does: each row by itself, in another order, some with errors.
  mockllm::MockOptions service;
  service.faults = {mockllm::parse_fault("500=0.1"), mockllm::parse_fault("400=0.1")};
  mockllm::Mock mock(service);
  std::int64_t stored = 0, failed = 0;
  for (int file = 0; file < 3; ++file) {
    const std::string name = "batches/batch-0000" + std::to_string(file);
    std::vector<std::string> rows;
    std::istringstream lines(folder.get(name + ".jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const OrderedJson row = OrderedJson::parse(line);
      const mockllm::MockReply reply =
          mock.handle({"POST", row["url"].get<std::string>(), "", row["body"].dump()});
      rows.push_back(OrderedJson({{"id", "r"},
                                  {"custom_id", row["custom_id"]},
                                  {"response",
                                   {{"status_code", reply.status}, {"body", OrderedJson::parse(reply.body)}}},
                                  {"error", nullptr}})
                         .dump());
    }
    std::reverse(rows.begin(), rows.end());
    std::string text = "not a row\n{\"custom_id\":\"of nobody\",\"response\":{}}\n";
    for (const std::string& row : rows) text += row + "\n";
    folder.put("results.jsonl", text);
    Ledger ledger;
    const BatchCounts counts =
        read_batch(folder / "results.jsonl", folder / (name + ".calls.jsonl"), cache, &ledger, {});
    EXPECT_EQ(counts.damaged, 1);
    EXPECT_EQ(counts.unknown, 1);
    EXPECT_EQ(counts.missing, 0);
    EXPECT_EQ(ledger.total().calls, counts.stored);
    stored += counts.stored, failed += counts.failed;
    const BatchCounts again =
        read_batch(folder / "results.jsonl", folder / (name + ".calls.jsonl"), cache, nullptr, {});
    EXPECT_EQ(again.known, counts.stored);
  }
  EXPECT_EQ(stored + failed, 100);
  EXPECT_GT(failed, 0);
  // The next run finds what was answered and asks a server for the rest.
  Server server({});
  Client client(test_options(server.url()), &cache, nullptr);
  const std::vector<Result> results = client.ask_all(test_calls(100));
  EXPECT_EQ(server.counts().requests, static_cast<std::uint64_t>(failed));
  EXPECT_GT(count_ok(results), 80);
}

}  // namespace
}  // namespace moonbeam::llm
