// R19: a greedy request has one answer, whatever was asked before it, whatever runs beside it, with a picture
// that is new or known, on one thread or two.
#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "tests/serve/mixture.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

struct Ask {
  std::string path;
  json body;
};

/// Every task with every word about every picture, the order shuffled.
std::vector<Ask> asks(std::size_t most) {
  constexpr const char* kObjects[] = {"dog",    "cat",  "apple", "car",   "star", "circle",
                                      "boat",   "tree", "bird",  "house", "ball", "person",
                                      "flower", "cup",  "ring",  "square"};
  constexpr const char* kQuestions[] = {"What is it?",
                                        "How many objects are there?",
                                        "What is on the left?",
                                        "What is on the right?",
                                        "What colour is it?",
                                        "Is there a %?",
                                        "How many %s are there?",
                                        "Where is the %?",
                                        "What colour is the %?",
                                        "Is the % on the left?"};
  std::vector<Ask> all;
  for (int n = 1; n <= 8; ++n) {
    const auto add = [&, n](const std::string& path, json body) {
      body["image_url"] = picture(n);
      body["settings"]["temperature"] = 0;
      all.push_back({path, std::move(body)});
    };
    for (const char* length : {"short", "normal", "long"}) add("/v1/caption", {{"length", length}});
    for (std::size_t i = 0; i < std::size(kObjects); ++i) {
      for (const char* path : {"/v1/detect", "/v1/point"}) add(path, {{"object", kObjects[i]}});
      for (std::size_t k = i % 3; k < std::size(kQuestions); k += 3) {
        std::string question = kQuestions[k];
        const std::size_t place = question.find('%');
        if (place != std::string::npos) question.replace(place, 1, kObjects[i]);
        if (place != std::string::npos || i < 3) add("/v1/query", {{"question", question}});
      }
    }
  }
  std::mt19937 random(19);
  std::shuffle(all.begin(), all.end(), random);
  all.resize(std::min(all.size(), most));
  return all;
}

/// What does not change from one time to the next.
std::string lasting(json answer) {
  const int tokens = answer.at("metrics").at("output_tokens").get<int>();
  answer.erase("request_id");
  answer.erase("metrics");
  return answer.dump() + " " + std::to_string(tokens);
}

struct Heard {
  std::vector<std::string> answers;
  int cached = 0;
};

/// All of them, `clients` at a time.
Heard hear_all(const Serving& serving, const std::vector<Ask>& asks, int clients) {
  Heard out{.answers = std::vector<std::string>(asks.size())};
  std::atomic<std::size_t> next = 0;
  std::atomic<int> cached = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      TestClient client = serving.client();
      for (std::size_t k = next++; k < asks.size(); k = next++) {
        const Answer answer = client.ask(post(asks[k].path, asks[k].body.dump()), 60000);
        ASSERT_EQ(answer.status, 200) << answer.body;
        const json said = json::parse(answer.body);
        cached += said.at("metrics").value("cached", false);
        out.answers[k] = lasting(said);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  out.cached = cached;
  return out;
}

void expect_same(const Heard& heard, const Heard& first, const std::vector<Ask>& asks,
                 const std::string& when) {
  int others = 0;
  for (std::size_t i = 0; i < asks.size(); ++i) {
    if (heard.answers[i] == first.answers[i]) continue;
    if (++others > 3) continue;
    json body = asks[i].body;
    body.erase("image_url");
    ADD_FAILURE() << when << ": " << asks[i].path << " " << body << "\n  first " << first.answers[i]
                  << "\n  now   " << heard.answers[i];
  }
  EXPECT_EQ(others, 0) << when;
}

/// The text of those that may be streamed, piece by piece; the others as they were.
Heard stream_all(const Serving& serving, const std::vector<Ask>& asks, Heard heard) {
  TestClient client = serving.client();
  for (std::size_t i = 0; i < asks.size(); ++i) {
    const bool caption = asks[i].path == "/v1/caption";
    if (!caption && asks[i].path != "/v1/query") continue;
    json body = asks[i].body;
    body["stream"] = true;
    const Events events = read_events(client.ask(post(asks[i].path, body.dump()), 60000).body);
    json answer = {{caption ? "caption" : "answer", events.text}};
    for (const char* name : {"finish_reason", "metrics", "warnings"}) {
      if (events.last.contains(name)) answer[name] = events.last[name];
    }
    heard.answers[i] = lasting(std::move(answer));
  }
  return heard;
}

/// Requests of all kinds from four clients, until told that it is enough.
class Others {
 public:
  Others(const Serving& serving, int first) : next_(first) {
    for (int i = 0; i < 4; ++i) {
      threads_.emplace_back([&] {
        TestClient client = serving.client();
        while (!over_) ask_mixed(serving, next_++, client);
      });
    }
  }
  ~Others() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Others(const Others&) = delete;
  Others& operator=(const Others&) = delete;
  void wait_for(int number) const {
    while (next_ < number) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

 private:
  std::atomic<int> next_;
  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

TEST(SameAnswer, WhateverElseRuns) {
  const std::vector<Ask> all = asks(static_cast<std::size_t>(count(30, 500)));
  EXPECT_EQ(all.size(), static_cast<std::size_t>(count(30, 500)));
  const int others = count(60, 1000);
  Heard first;
  for (const char* threads : {"1", "2"}) {
    const std::string on = std::string(" on ") + threads;
    {
      Serving cold({"--quiet", "--no-log", "--threads", threads, "--image-cache", "0"}, true, {}, kShipped);
      const Heard alone = hear_all(cold, all, 1);
      EXPECT_EQ(alone.cached, 0);
      if (first.answers.empty()) first = alone;
      expect_same(alone, first, all, "cold, one at a time" + on);
      expect_same(hear_all(cold, all, 8), first, all, "cold, eight at once" + on);
    }
    Serving warm({"--quiet", "--no-log", "--threads", threads, "--max-queue", "40"}, true, {}, kShipped);
    hear_all(warm, all, 8);
    for (int clients = 1; clients <= 8; ++clients) {
      const Heard heard = hear_all(warm, all, clients);
      EXPECT_EQ(heard.cached, static_cast<int>(all.size()));
      expect_same(heard, first, all, "known pictures, " + std::to_string(clients) + " at once" + on);
    }
    expect_same(stream_all(warm, all, first), first, all, "in pieces" + on);
    {
      const Others beside(warm, 0);
      beside.wait_for(others);
      expect_same(hear_all(warm, all, 4), first, all, "after others and beside them" + on);
    }
    expect_same(hear_all(warm, all, 1), first, all, "after others" + on);
  }
  std::printf("{\"requests\": %zu, \"times_each\": %d, \"others\": %d}\n", all.size(), 2 * 14, others);
}

}  // namespace
}  // namespace moonbeam::test
