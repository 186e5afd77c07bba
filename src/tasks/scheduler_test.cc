// The scheduler without HTTP: the Model's own answers, turns, bounds, shared pictures, load.
#include <moonbeam/scheduler.h>

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "tasks/scheduler_testing.h"

namespace moonbeam {
namespace {

using namespace tasks::testing;
using namespace std::chrono_literals;

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
