// What tests of the scheduler have in common. Nothing in them sleeps: the clock is the test's, and a gate
// holds the scheduler's thread where the test wants it.
#pragma once

#include <gtest/gtest.h>
#include <moonbeam/scheduler.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tasks/testing.h"

namespace moonbeam::tasks::testing {

using Kind = Outcome::Kind;

/// A clock that stands until it is moved.
class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  TimePoint now() const { return TimePoint(std::chrono::milliseconds(ms_)); }
  void advance(int ms) { ms_ += ms; }

 private:
  std::atomic<int> ms_{1000};
};

/// Holds a callback from arrive() until open().
class Gate {
 public:
  bool arrive() {
    arrived_.set_value();
    opened_.get_future().wait();
    return true;
  }
  void wait_for_arrival() { arrived_.get_future().wait(); }
  void open() { opened_.set_value(); }

 private:
  std::promise<void> arrived_, opened_;
};

/// Ends in the order in which they were told.
class Log {
 public:
  std::function<void(Outcome)> as(const std::string& name) {
    return [this, name](Outcome outcome) {
      const std::lock_guard guard(mutex_);
      EXPECT_EQ(outcomes_.count(name), 0u) << name << " was told twice";
      order_ += name + " ";
      outcomes_[name] = std::move(outcome);
      told_.notify_all();
    };
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    told_.wait(lock, [&] { return outcomes_.size() >= count; });
  }
  std::string order() const {
    const std::lock_guard guard(mutex_);
    return order_;
  }
  Outcome of(const std::string& name) const {
    const std::lock_guard guard(mutex_);
    const auto found = outcomes_.find(name);
    EXPECT_NE(found, outcomes_.end()) << name << " was not told";
    return found == outcomes_.end() ? Outcome{} : found->second;
  }
  Kind kind(const std::string& name) const { return of(name).kind; }

 private:
  mutable std::mutex mutex_;
  std::condition_variable told_;
  std::string order_;
  std::map<std::string, Outcome> outcomes_;
};

inline std::string message(const Outcome& outcome) {
  try {
    if (outcome.error) std::rethrow_exception(outcome.error);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

inline std::string answer(const Outcome& outcome) {
  EXPECT_EQ(outcome.kind, Kind::kAnswer) << message(outcome);
  return std::get<QueryResult>(outcome.result).answer;
}

/// In numbers as they are, so that equal means the same bits.
inline std::string written(const std::vector<Box>& boxes) {
  std::string out;
  for (const Box& box : boxes) {
    for (const double value : {box.x_min, box.y_min, box.x_max, box.y_max})
      out += std::to_string(value) + ",";
  }
  return out;
}
inline std::string written(const std::vector<Point>& points) {
  std::string out;
  for (const Point& point : points) out += std::to_string(point.x) + "," + std::to_string(point.y) + ";";
  return out;
}
inline std::string written(const Outcome& outcome) {
  if (outcome.kind != Kind::kAnswer) return "no answer: " + message(outcome);
  if (const auto* caption = std::get_if<CaptionResult>(&outcome.result)) return caption->caption;
  if (const auto* query = std::get_if<QueryResult>(&outcome.result)) return query->answer;
  if (const auto* detect = std::get_if<DetectResult>(&outcome.result)) return written(detect->objects);
  return written(std::get<PointResult>(outcome.result).points);
}

inline constexpr const char* kQuestions[] = {"Is there a dog?", "How many apples are there?",
                                             "What is the leftmost object?", "Is there a banana?"};

inline TaskRequest query(const std::string& question, std::function<void(Outcome)> on_end,
                         int max_tokens = 6) {
  TaskRequest out{.task = QueryTask{question, {}}};
  std::get<QueryTask>(out.task).options.max_tokens = max_tokens;
  out.on_end = std::move(on_end);
  return out;
}
inline QueryOptions& options(TaskRequest& request) {
  return std::get<QueryTask>(request.task).options;
}
inline TaskRequest of(std::string client, TaskRequest request) {
  request.client = std::move(client);
  return request;
}

class SchedulerOf : public ::testing::Test {
 protected:
  SchedulerOptions with(int parallel, int max_queue) {
    return {.parallel = parallel, .max_queue = max_queue, .now = [this] { return clock_.now(); }};
  }
  /// A request that keeps the scheduler's thread in a callback about its picture.
  TaskRequest held(const std::string& name = "held") {
    TaskRequest out = query("What?", log_.as(name));
    options(out).progress = [this, first = true](const Progress&) mutable {
      if (std::exchange(first, false)) gate_.arrive();
      return true;
    };
    return out;
  }
  void hold(Scheduler& scheduler) {
    scheduler.submit(held(), image_);
    gate_.wait_for_arrival();
  }

  const Model model_ = model_of(engine("tiny"));
  const Image image_ = noise(1);
  Clock clock_;
  Gate gate_;
  Log log_;
};

}  // namespace moonbeam::tasks::testing
