// Eight streams at once against one: what each says, and with the counts of a release how many tokens come in
// all and when the first one does. The shipped model, one thread a client.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "tests/serve/crowd.h"
#include "tests/serve/mixture.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Streamed {
  std::map<std::size_t, std::string> texts;  ///< by request
  std::vector<double> first_ms, whole_ms;
  double seconds = 0, cpu_seconds = 0;
  int tokens = 0;

  void add(const Streamed& more) {
    texts.insert(more.texts.begin(), more.texts.end());
    first_ms.insert(first_ms.end(), more.first_ms.begin(), more.first_ms.end());
    whole_ms.insert(whole_ms.end(), more.whole_ms.begin(), more.whole_ms.end());
    seconds += more.seconds;
    cpu_seconds += more.cpu_seconds;
    tokens += more.tokens;
  }
};

/// One request on a connection of its own, read as it comes.
void listen(const Serving& serving, std::size_t number, const std::string& request, Streamed& into) {
  TestClient client = serving.client();
  const auto start = Clock::now();
  client.say(request);
  while (client.bytes().find("data: ") == std::string::npos) ASSERT_TRUE(client.fill(60000));
  const double first = ms_since(start);
  const Answer answer = client.hear(60000);
  ASSERT_TRUE(answer.whole && answer.status == 200) << answer.body;
  const Events events = read_events(answer.body);
  into.first_ms.push_back(first);
  into.whole_ms.push_back(ms_since(start));
  into.tokens += events.last.at("metrics").at("output_tokens").get<int>();
  into.texts[number] = events.text;
}

/// All `requests`, `clients` of them at a time.
Streamed stream(Serving& serving, int clients, const std::vector<std::string>& requests) {
  Streamed all;
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  const double cpu_before = cpu_seconds(serving.process().pid());
  const auto start = Clock::now();
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      Streamed own;
      for (std::size_t number = next++; number < requests.size(); number = next++)
        listen(serving, number, requests[number], own);
      const std::lock_guard lock(mutex);
      all.add(own);
    });
  }
  for (std::thread& thread : threads) thread.join();
  all.seconds = ms_since(start) / 1000;
  all.cpu_seconds = cpu_seconds(serving.process().pid()) - cpu_before;
  return all;
}

void print(const char* pictures, int clients, const Streamed& of) {
  const auto answers = static_cast<double>(of.whole_ms.size());
  std::printf(
      "{\"streams\": %d, \"pictures\": \"%s\", \"answers\": %.0f, \"tokens_an_answer\": %.1f, "
      "\"tokens_per_s\": %.0f, \"first_token_p50_ms\": %.2f, \"first_token_p95_ms\": %.2f, "
      "\"answer_p50_ms\": %.2f, \"answer_p95_ms\": %.2f, \"server_cpu_ms_an_answer\": %.2f}\n",
      clients, pictures, answers, of.tokens / answers, of.tokens / of.seconds, percentile(of.first_ms, 0.5),
      percentile(of.first_ms, 0.95), percentile(of.whole_ms, 0.5), percentile(of.whole_ms, 0.95),
      1000 * of.cpu_seconds / answers);
}

// One and eight take turns, so that both meet the same machine. The pictures of one turn are new, those of
// the next known.
TEST(Streams, EightAtOnceSayWhatOneSays) {
  const int rounds = count(1, 20), each = count(16, 64);
  constexpr int kMany = 8;
  Serving serving({"--quiet", "--no-log", "--image-cache", "2G"}, true, {}, kShipped);
  std::vector<std::string> warm;
  for (int i = 0; i < 8; ++i) warm.push_back(upload("/v1/caption?stream=true", marked_picture(i + 1, 0)));
  stream(serving, 2, warm);
  std::map<std::pair<int, bool>, Streamed> totals;
  for (int round = 0; round < rounds; ++round) {
    for (const bool known : {false, true}) {
      std::vector<std::string> ones, eights;
      for (int i = 0; i < each; ++i) {
        // The same picture but for its first pixel, so that neither side finds it encoded by the other.
        const int place = known ? 0 : 1 + 2 * (round * each + i);
        const std::string words = "?stream=true&temperature=0&max_tokens=64";
        ones.push_back(upload("/v1/caption" + words, marked_picture(i % 8 + 1, place)));
        eights.push_back(upload("/v1/caption" + words, marked_picture(i % 8 + 1, known ? 0 : place + 1)));
      }
      const Streamed one = stream(serving, 1, ones), eight = stream(serving, kMany, eights);
      if (known) {
        EXPECT_EQ(one.texts, eight.texts);
      }
      EXPECT_EQ(one.texts.size() + eight.texts.size(), 2 * static_cast<std::size_t>(each));
      totals[{1, known}].add(one);
      totals[{kMany, known}].add(eight);
    }
  }
  for (const bool known : {false, true}) {
    for (const int clients : {1, kMany}) print(known ? "known" : "new", clients, totals[{clients, known}]);
  }
}

}  // namespace
}  // namespace moonbeam::test
