// How requests end that get no answer: deadlines, cancellation, shutdown, errors.
#include <moonbeam/scheduler.h>

#include <gtest/gtest.h>

#include <stdexcept>

#include "tasks/scheduler_testing.h"

namespace moonbeam {
namespace {

using namespace tasks::testing;
using namespace std::chrono_literals;
using SchedulerEnds = SchedulerOf;

TEST_F(SchedulerEnds, ADeadlineEndsARequestBeforeItRunsAndInTheMiddle) {
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

TEST_F(SchedulerEnds, ADeadlineThatPassesInTheQueueIsNotWaitedOut) {
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

TEST_F(SchedulerEnds, ACancelledRequestThatWaitsNeverRuns) {
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
TEST_F(SchedulerEnds, ACancelledRequestStopsInEachStageAndTheOthersGoOn) {
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

TEST_F(SchedulerEnds, StopWithoutPatienceTellsEverybodyAndTakesNoMore) {
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

TEST_F(SchedulerEnds, StopWithTimeToDrainLetsEverybodyEndAndWithTooLittleEndsTheRest) {
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

TEST_F(SchedulerEnds, TheDestructorTellsEverybody) {
  {
    Scheduler scheduler(model_, with(2, 10));
    for (const char* name : {"1", "2", "3"}) scheduler.submit(query("What?", log_.as(name), 200), image_);
  }
  for (const char* name : {"1", "2", "3"}) log_.of(name);
}

TEST_F(SchedulerEnds, ACallbackThatThrowsEndsItsOwnRequest) {
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

TEST_F(SchedulerEnds, ACallbackThatReturnsFalseHasItsAnswerSoFar) {
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

TEST_F(SchedulerEnds, ACallbackMayComeAgainAndCancelItself) {
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

TEST_F(SchedulerEnds, AQuestionLongerThanTheContextFailsAlone) {
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

}  // namespace
}  // namespace moonbeam
