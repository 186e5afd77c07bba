// The scheduler without HTTP: turns, bounds, deadlines, ends of all kinds, and the Model's own answers.
// Nothing here sleeps: the clock is the test's, and a gate holds the scheduler's thread where the test wants
// it.
#include <moonbeam/scheduler.h>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "tasks/testing.h"

namespace moonbeam {
namespace {

using tasks::testing::engine;
using tasks::testing::model_of;
using tasks::testing::noise;
using tasks::testing::sample;
using Kind = Outcome::Kind;
using namespace std::chrono_literals;

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
  std::string order() const { return std::lock_guard(mutex_), order_; }
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

std::string message(const Outcome& outcome) {
  try {
    if (outcome.error) std::rethrow_exception(outcome.error);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

std::string answer(const Outcome& outcome) {
  EXPECT_EQ(outcome.kind, Kind::kAnswer) << message(outcome);
  return std::get<QueryResult>(outcome.result).answer;
}

/// In numbers as they are, so that equal means the same bits.
std::string written(const std::vector<Box>& boxes) {
  std::string out;
  for (const Box& box : boxes) {
    for (const double value : {box.x_min, box.y_min, box.x_max, box.y_max})
      out += std::to_string(value) + ",";
  }
  return out;
}
std::string written(const std::vector<Point>& points) {
  std::string out;
  for (const Point& point : points) out += std::to_string(point.x) + "," + std::to_string(point.y) + ";";
  return out;
}
std::string written(const Outcome& outcome) {
  if (outcome.kind != Kind::kAnswer) return "no answer: " + message(outcome);
  if (const auto* caption = std::get_if<CaptionResult>(&outcome.result)) return caption->caption;
  if (const auto* query = std::get_if<QueryResult>(&outcome.result)) return query->answer;
  if (const auto* detect = std::get_if<DetectResult>(&outcome.result)) return written(detect->objects);
  return written(std::get<PointResult>(outcome.result).points);
}

const char* const kQuestions[] = {"Is there a dog?", "How many apples are there?",
                                  "What is the leftmost object?", "Is there a banana?"};

TaskRequest query(const std::string& question, std::function<void(Outcome)> on_end, int max_tokens = 6) {
  TaskRequest out{.task = QueryTask{question, {}}};
  std::get<QueryTask>(out.task).options.max_tokens = max_tokens;
  out.on_end = std::move(on_end);
  return out;
}
QueryOptions& options(TaskRequest& request) {
  return std::get<QueryTask>(request.task).options;
}
TaskRequest of(std::string client, TaskRequest request) {
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

TEST_F(SchedulerOf, EveryTaskHasTheAnswerOfTheModel) {
  const EncodedImage image = model_.encode_image(image_);
  QueryOptions thinking;
  thinking.reasoning = true;
  thinking.max_tokens = 12;
  Scheduler scheduler(model_);
  CaptionOptions caption;
  caption.max_tokens = 9;
  std::string streamed;
  CaptionOptions streaming = caption;
  streaming.on_text = [&](std::string_view piece) { return streamed += piece, true; };
  scheduler.submit({.task = CaptionTask{streaming}, .on_end = log_.as("caption")}, image_);
  scheduler.submit({.task = QueryTask{"How many?", thinking}, .on_end = log_.as("thought")}, image_);
  ObjectOptions few{.max_objects = 4, .clamp = true};
  scheduler.submit({.task = DetectTask{"dog", few}, .on_end = log_.as("detect")}, image_);
  scheduler.submit({.task = PointTask{"cat", few}, .on_end = log_.as("point")}, image_);
  scheduler.submit(query("Who?", log_.as("without a picture")));
  log_.wait_for(5);

  const auto captioned = std::get<CaptionResult>(log_.of("caption").result);
  const CaptionResult lone_caption = model_.caption(image, caption);
  EXPECT_EQ(captioned.caption, lone_caption.caption);
  EXPECT_EQ(streamed, lone_caption.caption);
  EXPECT_EQ(captioned.finish, lone_caption.finish);
  EXPECT_EQ(captioned.usage.prompt_tokens, lone_caption.usage.prompt_tokens);
  EXPECT_EQ(captioned.usage.output_tokens, lone_caption.usage.output_tokens);
  const auto thought = std::get<QueryResult>(log_.of("thought").result);
  const QueryResult lone_thought = model_.query(image, "How many?", thinking);
  EXPECT_EQ(thought.answer, lone_thought.answer);
  EXPECT_EQ(thought.reasoning->text, lone_thought.reasoning->text);
  EXPECT_EQ(thought.usage.prompt_tokens, lone_thought.usage.prompt_tokens);
  Usage usage;
  few.usage = &usage;
  EXPECT_EQ(written(log_.of("detect")), written(model_.detect(image, "dog", few)));
  const auto detected = std::get<DetectResult>(log_.of("detect").result);
  EXPECT_EQ(detected.usage.prompt_tokens, usage.prompt_tokens);
  EXPECT_EQ(detected.usage.output_tokens, usage.output_tokens);
  EXPECT_EQ(written(log_.of("point")), written(model_.point(image, "cat", few)));
  QueryOptions six;
  six.max_tokens = 6;
  EXPECT_EQ(answer(log_.of("without a picture")), model_.query("Who?", six).answer);
  EXPECT_EQ(scheduler.stats().processed, 5u);
  EXPECT_EQ(scheduler.stats().running, 0);
}

TEST_F(SchedulerOf, AMistakeInTheRequestIsThrownAtOnce) {
  EXPECT_THROW(Scheduler(model_, {.parallel = 0}), Error);
  EXPECT_THROW(Scheduler(model_, {.parallel = 17}), Error);
  EXPECT_THROW(Scheduler(model_, {.max_queue = -1}), Error);
  Scheduler scheduler(model_, with(1, 1));
  const auto never = [](const Outcome&) { ADD_FAILURE() << "it was not taken"; };
  EXPECT_THROW(scheduler.submit(query("", never), image_), Error);
  EXPECT_THROW(scheduler.submit({.task = CaptionTask{}, .on_end = never}), Error);
  EXPECT_THROW(scheduler.submit({.task = DetectTask{"", {}}, .on_end = never}, image_), Error);
  EXPECT_THROW(scheduler.submit({.task = PointTask{"dog", {.max_objects = -1}}, .on_end = never}, image_),
               Error);
  EXPECT_THROW(scheduler.submit(query("What?", never), Image{}), Error);
  EXPECT_EQ(scheduler.stats().queued, 0);
}

TEST_F(SchedulerOf, OneClientsManyRequestsDoNotHoldUpAnothersOne) {
  Scheduler scheduler(model_, with(1, 10));
  scheduler.submit(of("a", held()), image_);
  gate_.wait_for_arrival();
  for (const char* name : {"a1", "a2", "a3", "a4"})
    scheduler.submit(of("a", query("What?", log_.as(name))), image_);
  scheduler.submit(of("b", query("What?", log_.as("b1"))), image_);
  for (const char* name : {"c1", "c2"}) scheduler.submit(of("c", query("What?", log_.as(name))), image_);
  EXPECT_EQ(scheduler.stats().queued, 7);
  EXPECT_EQ(scheduler.stats().running, 1);
  gate_.open();
  log_.wait_for(8);
  EXPECT_EQ(log_.order(), "held b1 c1 a1 c2 a2 a3 a4 ");
}

TEST_F(SchedulerOf, WhoFindsTheQueueFullIsToldWhenToComeAgain) {
  Scheduler scheduler(model_, with(1, 2));
  // Something to go by: a request that takes 300 ms.
  TaskRequest slow = query("What?", log_.as("slow"));
  options(slow).on_text = [this, first = true](std::string_view) mutable {
    if (std::exchange(first, false)) clock_.advance(300);
    return true;
  };
  scheduler.submit(std::move(slow), image_);
  log_.wait_for(1);
  EXPECT_EQ(scheduler.stats().mean_service_ms, 300);
  hold(scheduler);
  scheduler.submit(query("What?", log_.as("1")), image_);
  scheduler.submit(query("What?", log_.as("2")), image_);
  try {
    scheduler.submit(query("What?", log_.as("3")), image_);
    ADD_FAILURE() << "there was no room";
  } catch (const QueueFull& full) {
    EXPECT_EQ(full.code(), ErrorCode::kExhausted);
    EXPECT_EQ(full.retry_after_ms(), 900);  // two that wait, and its own turn
  }
  EXPECT_EQ(scheduler.stats().rejected, 1u);
  gate_.open();
  log_.wait_for(4);
  scheduler.submit(query("What?", log_.as("again")), image_);
  log_.wait_for(5);
}

TEST_F(SchedulerOf, ADeadlineEndsARequestBeforeItRunsAndInTheMiddle) {
  Scheduler scheduler(model_, with(2, 10));
  TaskRequest late = query("What?", log_.as("too late"));
  late.deadline = clock_.now();
  options(late).progress = [](const Progress&) { return ADD_FAILURE() << "it ran", true; };
  scheduler.submit(std::move(late), image_);
  log_.wait_for(1);
  EXPECT_EQ(log_.kind("too late"), Kind::kDeadline);

  hold(scheduler);
  TaskRequest runs = query("What?", log_.as("runs"), 40);
  int tokens = 0;
  runs.deadline = clock_.now() + 100ms;
  options(runs).on_text = [&](std::string_view) {
    if (++tokens == 2) clock_.advance(200);
    return true;
  };
  scheduler.submit(std::move(runs), image_);
  scheduler.submit(query("What?", log_.as("patient"), 60), image_);
  gate_.open();
  log_.wait_for(4);
  EXPECT_EQ(log_.kind("runs"), Kind::kDeadline);
  EXPECT_EQ(tokens, 2);
  EXPECT_NE(message(log_.of("runs")).find("deadline"), std::string::npos);
  EXPECT_EQ(log_.kind("held"), Kind::kAnswer);
  EXPECT_EQ(log_.kind("patient"), Kind::kAnswer);
  EXPECT_EQ(scheduler.stats().timed_out, 2u);
}

TEST_F(SchedulerOf, ADeadlineThatPassesInTheQueueIsNotWaitedOut) {
  Scheduler scheduler(model_, with(1, 10));
  hold(scheduler);
  TaskRequest waits = query("What?", log_.as("waits"));
  waits.deadline = clock_.now() + 150ms;
  scheduler.submit(std::move(waits), image_);
  clock_.advance(150);
  gate_.open();
  log_.wait_for(2);
  EXPECT_EQ(log_.order(), "waits held ");  // while the other one still runs
  EXPECT_EQ(log_.kind("waits"), Kind::kDeadline);
  EXPECT_EQ(log_.of("waits").queue_ms, 150);
}

TEST_F(SchedulerOf, ACancelledRequestThatWaitsNeverRuns) {
  Scheduler scheduler(model_, with(1, 10));
  hold(scheduler);
  TaskRequest asked = query("What?", log_.as("cancelled"));
  options(asked).progress = [](const Progress&) { return ADD_FAILURE() << "it ran", true; };
  const auto id = scheduler.submit(std::move(asked), image_);
  EXPECT_TRUE(scheduler.cancel(id));
  EXPECT_FALSE(scheduler.cancel(id));
  EXPECT_FALSE(scheduler.cancel(id + 100));
  gate_.open();
  log_.wait_for(2);
  EXPECT_EQ(log_.order(), "cancelled held ");
  EXPECT_EQ(log_.kind("cancelled"), Kind::kCancelled);
  EXPECT_EQ(scheduler.stats().cancelled, 1u);
}

// Cancelled in the middle of each stage, while it is held there; beside it another about the same picture.
TEST_F(SchedulerOf, ACancelledRequestStopsInEachStageAndTheOthersGoOn) {
  QueryOptions six;
  six.max_tokens = 6;
  const std::string expected = model_.query(model_.encode_image(image_), "Is there a dog?", six).answer;
  const std::string long_question = "What is the leftmost object in the picture, and is it above the dog?";
  const int layers = model_.impl().engine->config().text.layers;
  struct Stage {
    const char* name;
    Progress::Stage stage;
    int call;  // the nth of the stage
  };
  for (const Stage& at :
       {Stage{"encoder", Progress::Stage::kEncode, 1}, Stage{"prefix", Progress::Stage::kPrefill, 1},
        Stage{"prompt", Progress::Stage::kPrefill, layers + 1},
        Stage{"decode", Progress::Stage::kDecode, 2}}) {
    SCOPED_TRACE(at.name);
    Gate gate;
    Log log;
    Scheduler scheduler(model_, with(4, 10));
    TaskRequest asked = query(long_question, log.as("cancelled"), 40);
    int calls = 0, later = 0, texts = 0;
    bool held = false;
    options(asked).progress = [&](const Progress& far) {
      if (held) ++later;
      if (far.stage == at.stage && ++calls == at.call) {
        held = true;
        gate.arrive();
      }
      return true;
    };
    options(asked).on_text = [&](std::string_view) { return texts += held ? 1 : 0, true; };
    const auto id = scheduler.submit(std::move(asked), image_);
    gate.wait_for_arrival();
    scheduler.submit(query("Is there a dog?", log.as("other")), image_);
    EXPECT_TRUE(scheduler.cancel(id));
    gate.open();
    log.wait_for(2);
    EXPECT_EQ(log.kind("cancelled"), Kind::kCancelled);
    EXPECT_EQ(later, 0);
    EXPECT_EQ(texts, 0);
    EXPECT_EQ(answer(log.of("other")), expected);
    EXPECT_EQ(scheduler.stats().images.misses, 1u);
  }
}

TEST_F(SchedulerOf, QuestionsAboutTheSamePixelsShareOneEncodedPicture) {
  Scheduler scheduler(model_, with(2, 10));
  hold(scheduler);
  for (const char* name : {"1", "2", "3"})
    scheduler.submit(query("Is there a dog?", log_.as(name)), Image(image_));
  gate_.open();
  log_.wait_for(4);
  scheduler.submit(query("Is there a dog?", log_.as("later")), image_);
  scheduler.submit(query("Is there a dog?", log_.as("another")), noise(2));
  log_.wait_for(6);
  const ImageCacheStats stats = scheduler.stats().images;
  EXPECT_EQ(stats.misses, 2u);
  EXPECT_EQ(stats.hits, 4u);
  EXPECT_EQ(stats.waits, 3u);
  EXPECT_EQ(stats.pictures, 2u);
  EXPECT_GT(stats.bytes, 0u);
  EXPECT_FALSE(log_.of("held").cached);
  EXPECT_GT(log_.of("held").encode_ms, 0);
  for (const char* name : {"1", "2", "3", "later"}) {
    EXPECT_TRUE(log_.of(name).cached) << name;
    EXPECT_EQ(log_.of(name).encode_ms, 0) << name;
    EXPECT_EQ(answer(log_.of(name)), answer(log_.of("1")));
  }
}

TEST_F(SchedulerOf, APictureThatLostItsFirstAskerIsFinishedForTheNext) {
  Scheduler scheduler(model_, with(1, 10));
  const auto id = scheduler.submit(held("first"), image_);
  gate_.wait_for_arrival();
  scheduler.submit(query("Is there a dog?", log_.as("next")), image_);  // waits for the only place
  scheduler.cancel(id);
  gate_.open();
  log_.wait_for(2);
  QueryOptions six;
  six.max_tokens = 6;
  EXPECT_EQ(answer(log_.of("next")),
            model_.query(model_.encode_image(image_), "Is there a dog?", six).answer);
  EXPECT_EQ(scheduler.stats().images.misses, 1u);
}

TEST_F(SchedulerOf, StopWithoutPatienceTellsEverybodyAndTakesNoMore) {
  Scheduler scheduler(model_, with(2, 10));
  hold(scheduler);
  for (const char* name : {"1", "2", "3"}) scheduler.submit(query("What?", log_.as(name)), image_);
  std::thread stopper([&] { scheduler.stop(); });
  while (true) {  // until the stop has begun
    try {
      scheduler.cancel(scheduler.submit(query("What?", nullptr)));
    } catch (const QueueFull&) {
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCancelled);
      break;
    }
  }
  gate_.open();
  stopper.join();
  for (const char* name : {"held", "1", "2", "3"}) EXPECT_EQ(log_.kind(name), Kind::kShutDown) << name;
  EXPECT_EQ(scheduler.stats().queued + scheduler.stats().running, 0);
  EXPECT_THROW(scheduler.submit(query("What?", nullptr), image_), Error);
  scheduler.stop();  // again
}

TEST_F(SchedulerOf, StopWithTimeToDrainLetsEverybodyEndAndWithTooLittleEndsTheRest) {
  {
    Scheduler scheduler(model_, with(2, 10));
    for (const char* name : {"1", "2", "3", "4"}) scheduler.submit(query("What?", log_.as(name)), image_);
    scheduler.stop(1h);
    for (const char* name : {"1", "2", "3", "4"}) EXPECT_EQ(log_.kind(name), Kind::kAnswer) << name;
  }
  Scheduler scheduler(model_, with(1, 10));
  // Stops from a callback, which must not wait for itself; later the time is over.
  TaskRequest stops = query("What?", log_.as("stops"), 40);
  options(stops).on_text = [&, pieces = 0](std::string_view) mutable {
    if (++pieces == 1) scheduler.stop(100ms);
    if (pieces == 3) clock_.advance(100);
    return true;
  };
  scheduler.submit(std::move(stops), image_);
  scheduler.submit(query("What?", log_.as("waits")), image_);
  log_.wait_for(6);
  EXPECT_EQ(log_.kind("stops"), Kind::kShutDown);
  EXPECT_EQ(log_.kind("waits"), Kind::kShutDown);
}

TEST_F(SchedulerOf, TheDestructorTellsEverybody) {
  {
    Scheduler scheduler(model_, with(2, 10));
    for (const char* name : {"1", "2", "3"}) scheduler.submit(query("What?", log_.as(name), 200), image_);
  }
  for (const char* name : {"1", "2", "3"}) log_.of(name);
}

TEST_F(SchedulerOf, ACallbackThatThrowsEndsItsOwnRequest) {
  QueryOptions six;
  six.max_tokens = 6;
  const std::string expected = model_.query(model_.encode_image(image_), "Is there a dog?", six).answer;
  Scheduler scheduler(model_, with(8, 10));
  hold(scheduler);
  TaskRequest text = query("What?", log_.as("text"));
  options(text).on_text = [](std::string_view) -> bool { throw std::runtime_error("of the text"); };
  scheduler.submit(std::move(text), image_);
  TaskRequest progress = query("What?", log_.as("progress"));
  options(progress).progress = [](const Progress&) -> bool { throw std::runtime_error("of the progress"); };
  scheduler.submit(std::move(progress), image_);
  TaskRequest objects{.task = PointTask{"dog", {}}, .on_end = log_.as("objects")};
  std::get<PointTask>(objects.task).options.progress = [](const Progress& far) {
    if (far.stage == Progress::Stage::kDecode) throw std::runtime_error("of the objects");
    return true;
  };
  scheduler.submit(std::move(objects), image_);
  scheduler.submit(query("What?", [](const Outcome&) { throw std::runtime_error("of the end"); }), image_);
  scheduler.submit(query("Is there a dog?", log_.as("good")), image_);
  gate_.open();
  log_.wait_for(5);
  for (const char* name : {"text", "progress", "objects"}) {
    EXPECT_EQ(log_.kind(name), Kind::kError) << name;
    EXPECT_EQ(message(log_.of(name)), std::string("of the ") + name);
  }
  EXPECT_EQ(answer(log_.of("good")), expected);
  scheduler.stop(1h);
  EXPECT_EQ(scheduler.stats().failed, 3u);
  EXPECT_EQ(scheduler.stats().processed, 3u);
}

TEST_F(SchedulerOf, ACallbackThatReturnsFalseHasItsAnswerSoFar) {
  Scheduler scheduler(model_, with(2, 10));
  TaskRequest asked = query("What?", log_.as("stopped"), 40);
  std::string heard;
  options(asked).on_text = [&](std::string_view piece) { return heard += piece, false; };
  scheduler.submit(std::move(asked), image_);
  log_.wait_for(1);
  EXPECT_EQ(log_.kind("stopped"), Kind::kAnswer);
  const auto result = std::get<QueryResult>(log_.of("stopped").result);
  EXPECT_EQ(result.finish, Finish::kStopped);
  EXPECT_FALSE(heard.empty());
}

TEST_F(SchedulerOf, ACallbackMayComeAgainAndCancelItself) {
  Scheduler scheduler(model_, with(1, 0));
  scheduler.submit(query("What?",
                         [&](Outcome outcome) {
                           log_.as("first")(std::move(outcome));
                           // The place is free already.
                           scheduler.submit(query("What?", log_.as("second")), image_);
                         }),
                   image_);
  log_.wait_for(2);
  EXPECT_EQ(log_.kind("second"), Kind::kAnswer);
  std::promise<Scheduler::Id> id;
  auto known = id.get_future().share();
  TaskRequest own = query("What?", log_.as("own"), 40);
  options(own).on_text = [&, known](std::string_view) { return scheduler.cancel(known.get()), true; };
  id.set_value(scheduler.submit(std::move(own), image_));
  log_.wait_for(3);
  EXPECT_EQ(log_.kind("own"), Kind::kCancelled);
}

TEST_F(SchedulerOf, AQuestionLongerThanTheContextFailsAlone) {
  Scheduler scheduler(model_, with(2, 10));
  std::string question;
  for (int i = 0; i < 3000; ++i) question += "dog ";
  scheduler.submit(query(question, log_.as("long")), image_);
  scheduler.submit(query("What?", log_.as("good")), image_);
  log_.wait_for(2);
  EXPECT_EQ(log_.kind("long"), Kind::kError);
  EXPECT_NE(message(log_.of("long")).find("context"), std::string::npos) << message(log_.of("long"));
  EXPECT_EQ(log_.kind("good"), Kind::kAnswer);
}

class SchedulerIn : public ::testing::TestWithParam<tasks::testing::Setting> {};
INSTANTIATE_TEST_SUITE_P(Settings, SchedulerIn, tasks::testing::all_settings(), tasks::testing::setting_name);

// Eight threads ask, cancel and hurry at random; the cache is too small for all pictures. Whoever gets an
// answer gets the Model's.
TEST_P(SchedulerIn, WhoeverGetsAnAnswerUnderLoadGetsTheModels) {
  constexpr int kThreads = 8, kEach = 12, kPictures = 4, kKinds = 6;
  const Model model = model_of(engine(std::get<0>(GetParam()), std::get<1>(GetParam())));
  const auto request = [](int kind) {
    TaskRequest out;
    if (kind < 4) out.task = QueryTask{kQuestions[kind], {}};
    if (kind < 4) std::get<QueryTask>(out.task).options.max_tokens = 3 + 4 * kind;
    if (kind == 4) out.task = DetectTask{"dog", {.max_objects = 3}};
    if (kind == 5) out.task = PointTask{"apple", {.max_objects = 5}};
    return out;
  };
  std::string expected[kPictures][kKinds];
  std::size_t bytes = 0;
  for (int p = 0; p < kPictures; ++p) {
    const EncodedImage image = model.encode_image(noise(static_cast<unsigned>(p)));
    bytes = image.bytes();
    for (int k = 0; k < 4; ++k) {
      TaskRequest one = request(k);
      expected[p][k] = model.query(image, kQuestions[k], options(one)).answer;
    }
    expected[p][4] = written(model.detect(image, "dog", {.max_objects = 3}));
    expected[p][5] = written(model.point(image, "apple", {.max_objects = 5}));
  }
  std::atomic<int> taken{0}, told{0}, answered{0}, rejected{0}, wrong{0};
  SchedulerStats stats;
  {
    Scheduler scheduler(model, {.parallel = 5, .max_queue = 20, .image_cache = 3 * bytes});
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        for (int i = 0; i < kEach; ++i) {
          const int p = static_cast<int>(random() % kPictures), k = static_cast<int>(random() % kKinds);
          TaskRequest one = request(k);
          one.client = std::to_string(t % 3);
          if (random() % 8 == 0) one.deadline = std::chrono::steady_clock::now();
          one.on_end = [&, p, k](const Outcome& outcome) {
            ++told;
            if (outcome.kind == Kind::kError) ++wrong;
            if (outcome.kind != Kind::kAnswer) return;
            ++answered;
            if (written(outcome) != expected[p][k]) ++wrong;
          };
          while (true) {
            try {
              const auto id = scheduler.submit(one, noise(static_cast<unsigned>(p)));
              ++taken;
              if (random() % 8 == 0) scheduler.cancel(id);
              break;
            } catch (const QueueFull&) {
              ++rejected;
              std::this_thread::yield();
            }
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    scheduler.stop(1h);
    stats = scheduler.stats();
  }
  EXPECT_EQ(taken, kThreads * kEach);
  EXPECT_EQ(told, taken);
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(answered, taken / 2);
  EXPECT_EQ(stats.processed, static_cast<std::uint64_t>(answered));
  EXPECT_EQ(stats.rejected, static_cast<std::uint64_t>(rejected));
  EXPECT_EQ(stats.processed + stats.cancelled + stats.timed_out, static_cast<std::uint64_t>(taken));
  EXPECT_LE(stats.images.bytes, stats.images.budget);
}

}  // namespace
}  // namespace moonbeam
