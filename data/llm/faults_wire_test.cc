// The client against the mock over real sockets: every fault that a server may have, one by one.
#include <gtest/gtest.h>

#include <cctype>

#include "data/llm/test_calls.h"

namespace moonbeam::llm {
namespace {

using mockllm::Server;

/// A fault, and whether tries overcome it.
struct OnTheWay {
  const char* fault;
  int least_tries;
};
class OvercomesFault : public ::testing::TestWithParam<OnTheWay> {};

TEST_P(OvercomesFault, WithAnotherTry) {
  Server server(with_faults({GetParam().fault}));
  ClientOptions options = test_options(server.url());
  options.try_timeout_ms = 700;
  options.max_answer = std::size_t{1} << 20;
  options.breaker_failures = 1000;
  Client client(options, nullptr, nullptr);
  const std::vector<Result> results = client.ask_all(test_calls(8));
  EXPECT_EQ(count_ok(results), 8) << results[0].message;
  EXPECT_GE(results[0].tries, GetParam().least_tries);
  EXPECT_FALSE(server.counts().faults.empty());
}
INSTANTIATE_TEST_SUITE_P(
    EachFault, OvercomesFault,
    ::testing::Values(OnTheWay{"429=0,first=2", 3}, OnTheWay{"429=0,first=1,retry_after=0", 2},
                      OnTheWay{"408=0,first=1", 2}, OnTheWay{"409=0,first=1", 2},
                      OnTheWay{"500=0,first=3", 4}, OnTheWay{"502=0,first=1", 2},
                      OnTheWay{"503=0,first=1", 2}, OnTheWay{"504=0,first=1", 2},
                      OnTheWay{"reset=0,first=1", 2}, OnTheWay{"reset_body=0,first=1", 2},
                      OnTheWay{"wrong_length=0,first=1", 2}, OnTheWay{"not_http=0,first=1", 2},
                      OnTheWay{"hang=0,first=1", 2}, OnTheWay{"drip=0,first=1", 2},
                      OnTheWay{"huge=0,first=1", 2}, OnTheWay{"headers=0,first=1", 2},
                      OnTheWay{"slow=0,first=1,ms=300", 1},
                      // Of all requests the first two: a call has three attempts, whoever they hit.
                      OnTheWay{"truncated=1,until=2", 1}),
    [](const auto& one) {
      std::string name(one.param.fault);
      name = name.substr(0, name.find_last_not_of('=') + 1);
      for (char& c : name) {
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
      }
      return name;
    });

struct OfTheModel {
  const char* fault;
  Outcome outcome;
};
class NamesFault : public ::testing::TestWithParam<OfTheModel> {};

TEST_P(NamesFault, OfAModelThatAlwaysErrs) {
  Server server(with_faults({GetParam().fault}));
  Client client(test_options(server.url()), nullptr, nullptr);
  const Result result = client.ask(test_call(1));
  EXPECT_EQ(result.outcome, GetParam().outcome) << result.message;
  const bool again = GetParam().outcome != Outcome::kRefusal && GetParam().outcome != Outcome::kRejected &&
                     GetParam().outcome != Outcome::kDenied;
  EXPECT_EQ(result.tries, again ? 3 : 1);
  const ClientStats stats = client.stats();
  EXPECT_EQ(stats.outcomes[static_cast<std::size_t>(GetParam().outcome)], 1);
}
INSTANTIATE_TEST_SUITE_P(
    EachFault, NamesFault,
    ::testing::Values(OfTheModel{"invalid_json=1", Outcome::kNotJson},
                      OfTheModel{"wrong_schema=1", Outcome::kWrongSchema}, OfTheModel{"cut=1", Outcome::kCut},
                      OfTheModel{"empty=1", Outcome::kEmpty}, OfTheModel{"refuse=1", Outcome::kRefusal},
                      OfTheModel{"truncated=1", Outcome::kBroken}, OfTheModel{"400=1", Outcome::kRejected},
                      OfTheModel{"413=1", Outcome::kRejected}, OfTheModel{"422=1", Outcome::kRejected},
                      OfTheModel{"418=1", Outcome::kRejected}, OfTheModel{"501=1", Outcome::kRejected},
                      OfTheModel{"401=1", Outcome::kDenied}, OfTheModel{"403=1", Outcome::kDenied}));

TEST(Transport, ATryIsOneRequestAlsoOnAConnectionThatWasKept) {
  Server server(with_faults({"reset=1,from=2,until=2"}));
  Client client(test_options(server.url()), nullptr, nullptr);
  EXPECT_EQ(client.ask(test_call(1)).tries, 1);
  EXPECT_EQ(client.ask(test_call(2)).tries, 2);
  EXPECT_EQ(server.counts().requests, 3U);
}

}  // namespace
}  // namespace moonbeam::llm
