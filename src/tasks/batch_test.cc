// Requests in step: each gets the bits it gets alone, in every mode, whoever joins, leaves, fails or rests.
#include "tasks/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tasks/answer.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"
#include "tasks/testing.h"

namespace moonbeam::tasks {
namespace {

using testing::collect_into;
using testing::engine;
using testing::Rows;

/// Prompts of many lengths, some longer than a step has rows, and answers of many lengths.
struct Case {
  std::vector<Token> prompt;
  int max_tokens;
};
std::vector<Case> cases(const Engine& engine, int count) {
  const char* questions[] = {
      "Is there a dog?", "What?", "What is the leftmost object in the picture, if any?",
      "How many apples are there?", "Is the dog to the left of the apple or above it?"};
  std::vector<Case> out;
  for (int i = 0; i < count; ++i) {
    out.push_back({query_prompt(engine, questions[i % 5], {}, false), 3 + i % 7});
    if (i % 3 == 0) out.back().prompt = caption_prompt(engine, CaptionLength::kNormal);
    out.back().prompt.emplace_back(TextToken{20 + i});  // no two alike
  }
  return out;
}

Rows alone(const std::shared_ptr<const Engine>& engine, const EncodedImage::Impl& picture, const Case& one) {
  Runner runner(*engine);
  Sequence sequence = continue_image(*engine, picture);
  runner.advance(sequence, one.prompt);
  Rows rows;
  generate_text(runner, sequence, {.max_tokens = one.max_tokens}, collect_into(rows));
  return rows;
}

Request request(const std::shared_ptr<const Engine>& engine, const Case& one, Rows& rows) {
  return {.prompt = one.prompt,
          .generation = std::make_unique<TextGeneration>(*engine, TextOptions{.max_tokens = one.max_tokens},
                                                         collect_into(rows))};
}

class BatchIn : public ::testing::TestWithParam<testing::Setting> {
 protected:
  std::shared_ptr<const Engine> engine_ = engine(std::get<0>(GetParam()), std::get<1>(GetParam()));
  std::shared_ptr<const EncodedImage::Impl> picture_ = encode_image(engine_, testing::sample(), {});
};
INSTANTIATE_TEST_SUITE_P(Settings, BatchIn, testing::all_settings(), testing::setting_name);

TEST_P(BatchIn, EveryAnswerHasTheBitsItHasAlone) {
  const std::vector<Case> all = cases(*engine_, 20);
  std::vector<Rows> expected;
  std::size_t steps = 0;
  for (const Case& one : all) {
    expected.push_back(alone(engine_, *picture_, one));
    steps += expected.back().size();
  }
  EXPECT_GE(steps, 2 * all.size());  // else they would tell little
  for (int size = 1; size <= 16; ++size) {
    Batch batch(engine_);
    std::vector<Rows> got(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < got.size(); ++i)
      batch.add(continue_image(*engine_, *picture_), request(engine_, all[i], got[i]));
    while (batch.step()) {
    }
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], expected[i]) << i << " of " << size;
  }
  // More than there are places, joining as others leave.
  Batch batch(engine_, {.streams = 5});
  std::vector<Rows> got(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    batch.add(continue_image(*engine_, *picture_), request(engine_, all[i], got[i]));
    if (i % 2 == 0) batch.step();
    EXPECT_LE(batch.running(), 5);
  }
  while (batch.step()) {
  }
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(got[i], expected[i]) << i << " of 20 in 5 places";
}

// The prefix rests between layers while others go on, and has the bits of one that does not rest.
TEST_P(BatchIn, RunningStreamsGoOnWhileAPictureIsMade) {
  const std::vector<Case> all = cases(*engine_, 4);
  const Image other = testing::noise(1);
  const auto whole = encode_image(engine_, other, {});
  Rows first, second;
  Case long_one = all[0];
  long_one.max_tokens = 40;
  auto job = std::make_shared<PictureJob>(engine_, other);
  Batch batch(engine_, {.rows_between = 1});
  batch.add(continue_image(*engine_, *picture_), request(engine_, long_one, first));
  batch.step();
  while (first.empty()) batch.step();
  batch.add(job, request(engine_, all[1], second));
  int steps = 0;
  const std::size_t before = first.size();
  while (!job->result() && first.size() < 30) {
    const std::size_t tokens = first.size();
    batch.step();
    ++steps;
    EXPECT_LE(first.size(), tokens + 1);
  }
  const int layers = engine_->config().vision.layers + engine_->config().text.layers;
  EXPECT_GE(steps, layers);
  const Rows expected = alone(engine_, *picture_, long_one);
  // A token for every layer, unless the answer was shorter.
  EXPECT_GE(first.size(), std::min(expected.size(), before + static_cast<std::size_t>(layers)));
  while (batch.step()) {
  }
  EXPECT_EQ(first, expected);
  EXPECT_EQ(second, alone(engine_, *whole, all[1]));
}

class BatchOf : public ::testing::Test {
 protected:
  std::shared_ptr<const Engine> engine_ = engine("tiny");
  std::shared_ptr<const EncodedImage::Impl> picture_ = encode_image(engine_, testing::sample(), {});
  Sequence sequence() const { return continue_image(*engine_, *picture_); }
};

TEST_F(BatchOf, ThoughtsAreToldWholeBeforeTheAnswer) {
  const Model model = testing::model_of(engine_);
  QueryOptions options;
  options.reasoning = true;
  options.max_tokens = 12;
  std::vector<std::string> told;
  options.on_reasoned = [&](const Reasoning& reasoning) {
    told.push_back(reasoning.text);
    return true;
  };
  options.on_text = [&](std::string_view) {
    EXPECT_EQ(told.size(), 1u);
    return true;
  };
  const QueryResult result = model.query(EncodedImage(picture_), "How many?", options);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0], result.reasoning->text);

  options.on_reasoned = [](const Reasoning&) { return false; };
  options.on_text = {};
  const QueryResult stopped = model.query(EncodedImage(picture_), "How many?", options);
  EXPECT_EQ(stopped.reasoning->text, result.reasoning->text);
  EXPECT_EQ(stopped.answer, "");
  EXPECT_EQ(stopped.finish, Finish::kStopped);
}

TEST_F(BatchOf, ObjectsThoughtsAndTextRunTogether) {
  const Model model = testing::model_of(engine_);
  const EncodedImage image(picture_);
  QueryOptions thinking;
  thinking.reasoning = true;
  thinking.max_tokens = 12;
  const QueryResult thought = model.query(image, "How many?", thinking);
  const std::vector<Box> boxes = model.detect(image, "dog", {.max_objects = 4});
  const std::vector<Point> points = model.point(image, "cat", {.max_objects = 5, .only_objects = true});

  Batch batch(engine_);
  std::vector<Box> got_boxes;
  std::vector<Point> got_points;
  QueryResult got_thought;
  auto detect = std::make_unique<ObjectGeneration>(*engine_, true, 4);
  auto& found_boxes = detect->result();
  batch.add(
      sequence(),
      {.prompt = detect_prompt(*engine_, "dog"), .generation = std::move(detect), .done = [&](const Ended&) {
         for (const auto& object : found_boxes) got_boxes.push_back(to_box(object));
       }});
  auto point = std::make_unique<ObjectGeneration>(*engine_, false, 5, ProgressFn{}, RegionLogitsFn{},
                                                  ObjectStart::kCoordOnly);
  auto& found_points = point->result();
  batch.add(
      sequence(),
      {.prompt = point_prompt(*engine_, "cat"), .generation = std::move(point), .done = [&](const Ended&) {
         for (const auto& object : found_points) got_points.push_back(to_point(object));
       }});
  auto query = std::make_unique<AnswerGeneration>(*engine_, thinking);
  auto& found_thought = query->result();
  batch.add(sequence(), {.prompt = query_prompt(*engine_, "How many?", {}, true),
                         .generation = std::move(query),
                         .done = [&](const Ended&) { got_thought = std::move(found_thought); }});
  while (batch.step()) {
  }
  EXPECT_EQ(got_thought.answer, thought.answer);
  EXPECT_EQ(got_thought.reasoning->text, thought.reasoning->text);
  EXPECT_EQ(got_thought.usage.output_tokens, thought.usage.output_tokens);
  ASSERT_EQ(got_boxes.size(), boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    EXPECT_EQ(got_boxes[i].x_min, boxes[i].x_min);
    EXPECT_EQ(got_boxes[i].y_max, boxes[i].y_max);
  }
  ASSERT_EQ(got_points.size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i) EXPECT_EQ(got_points[i].y, points[i].y);
}

TEST_F(BatchOf, ACancelledRequestIsToldNothingAndTheOthersGoOn) {
  const std::vector<Case> all = cases(*engine_, 4);
  std::vector<Rows> got(4);
  Batch batch(engine_);
  std::vector<Batch::Id> ids;
  auto job = std::make_shared<PictureJob>(engine_, testing::noise(2));
  for (std::size_t i = 0; i < 3; ++i) ids.push_back(batch.add(sequence(), request(engine_, all[i], got[i])));
  Request asked = request(engine_, all[3], got[3]);
  asked.done = [](const Ended&) { ADD_FAILURE() << "a cancelled request was answered"; };
  ids.push_back(batch.add(job, std::move(asked)));
  batch.step();
  batch.step();
  batch.cancel(ids[1]);
  batch.cancel(ids[3]);
  batch.cancel(ids[3] + 100);  // nobody's
  while (batch.step()) {
  }
  EXPECT_EQ(got[0], alone(engine_, *picture_, all[0]));
  EXPECT_EQ(got[2], alone(engine_, *picture_, all[2]));
  EXPECT_LT(got[1].size(), alone(engine_, *picture_, all[1]).size());
  EXPECT_FALSE(job->result());  // nobody waited for it any more
}

TEST_F(BatchOf, AnErrorEndsTheRequestItBelongsTo) {
  const std::vector<Case> all = cases(*engine_, 5);
  Rows good;
  std::vector<std::string> errors;
  const auto note = [&](const Ended& ended) {
    try {
      if (ended.error) std::rethrow_exception(ended.error);
      errors.emplace_back(ended.stopped ? "stopped" : "none");
    } catch (const std::exception& error) {
      errors.emplace_back(error.what());
    }
  };
  Batch batch(engine_);
  batch.add(sequence(), request(engine_, all[0], good));
  Rows rows;
  Request throws = request(engine_, all[1], rows);
  throws.generation = std::make_unique<TextGeneration>(
      *engine_, TextOptions{}, [](std::span<const float>) { throw std::runtime_error("mine"); });
  throws.done = note;
  batch.add(sequence(), std::move(throws));
  Request stops = request(engine_, all[2], rows);
  stops.progress = [](const Progress&) { return false; };
  stops.done = note;
  batch.add(sequence(), std::move(stops));
  Request too_long = request(engine_, all[3], rows);
  too_long.prompt.resize(4000, TextToken{20});
  too_long.done = note;
  batch.add(sequence(), std::move(too_long));
  // Short enough for a step, but the context is nearly full.
  Sequence full = sequence();
  Runner runner(*engine_);
  const std::vector<Token> filler(static_cast<std::size_t>(room(*engine_, full)) - 2, TextToken{20});
  runner.advance(full, filler, false);
  Request no_room = request(engine_, all[0], rows);
  no_room.prompt.resize(3);
  no_room.done = note;
  batch.add(std::move(full), std::move(no_room));
  while (batch.step()) {
  }
  EXPECT_EQ(good, alone(engine_, *picture_, all[0]));
  ASSERT_EQ(errors.size(), 4u);
  std::sort(errors.begin(), errors.end());
  EXPECT_NE(errors[0].find("context is full"), std::string::npos) << errors[0];
  EXPECT_NE(errors[1].find("context is full"), std::string::npos) << errors[1];
  EXPECT_EQ(errors[2], "mine");
  EXPECT_EQ(errors[3], "stopped");
}

TEST_F(BatchOf, AStopDuringThePictureIsNoErrorAndTheOthersGetThePicture) {
  const std::vector<Case> all = cases(*engine_, 3);
  const Image other = testing::noise(4);
  auto job = std::make_shared<PictureJob>(engine_, other);
  Batch batch(engine_);
  Rows stopped, failed, good;
  std::vector<Ended> ends(2);
  int asked = 0;
  Request stops = request(engine_, all[0], stopped);
  stops.progress = [&](const Progress&) { return ++asked, false; };
  stops.done = [&](const Ended& ended) { ends[0] = ended; };
  batch.add(job, std::move(stops));
  Request throws = request(engine_, all[1], failed);
  throws.progress = [](const Progress&) -> bool { throw std::runtime_error("mine"); };
  throws.done = [&](const Ended& ended) { ends[1] = ended; };
  batch.add(job, std::move(throws));
  batch.add(job, request(engine_, all[2], good));
  while (batch.step()) {
  }
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(ends[0].stopped);
  EXPECT_FALSE(ends[0].error);
  EXPECT_TRUE(stopped.empty());
  EXPECT_FALSE(ends[1].stopped);
  EXPECT_TRUE(ends[1].error);
  EXPECT_EQ(good, alone(engine_, *encode_image(engine_, other, {}), all[2]));

  // Alone with its picture: that is dropped.
  auto dropped = std::make_shared<PictureJob>(engine_, other);
  bool end_told = false;
  Request alone_stops = request(engine_, all[0], stopped);
  alone_stops.progress = [](const Progress&) { return false; };
  alone_stops.done = [&](const Ended& ended) { end_told = ended.stopped && !ended.error; };
  batch.add(dropped, std::move(alone_stops));
  EXPECT_FALSE(batch.step());
  EXPECT_TRUE(end_told);
  EXPECT_FALSE(dropped->result());
}

TEST_F(BatchOf, CallbacksMayAddAndCancel) {
  const std::vector<Case> all = cases(*engine_, 3);
  Rows first, second, third;
  Batch batch(engine_);
  Request request_one = request(engine_, all[0], first);
  request_one.done = [&](const Ended&) { batch.add(sequence(), request(engine_, all[1], second)); };
  batch.add(sequence(), std::move(request_one));
  Batch::Id own = 0;
  Request request_three = request(engine_, all[2], third);
  request_three.generation =
      std::make_unique<TextGeneration>(*engine_, TextOptions{}, [&](std::span<const float> logits) {
        third.emplace_back(logits.begin(), logits.end());
        if (third.size() == 2) batch.cancel(own);
      });
  request_three.done = [](const Ended&) { ADD_FAILURE() << "it had cancelled itself"; };
  own = batch.add(sequence(), std::move(request_three));
  while (batch.step()) {
  }
  EXPECT_EQ(second, alone(engine_, *picture_, all[1]));
  EXPECT_EQ(third.size(), 2u);
}

TEST(QueryAll, GivesTheAnswersOfQueryInOrder) {
  const Model model = testing::model_of(engine("starter"));
  const EncodedImage image = model.encode_image(testing::sample());
  const EncodedImage other = model.encode_image(testing::noise(3));
  const std::vector<std::string> questions = {"Is there a dog?", "Is there a banana?",
                                              "What is the leftmost object?", "How many apples are there?"};
  const std::vector<QueryResult> answers = model.query_all(image, questions);
  ASSERT_EQ(answers.size(), questions.size());
  for (std::size_t i = 0; i < answers.size(); ++i)
    EXPECT_EQ(answers[i].answer, model.query(image, questions[i]).answer);
  std::vector<Question> mixed;
  for (int i = 0; i < 40; ++i)
    mixed.push_back({i % 3 == 0 ? other : image, questions[static_cast<std::size_t>(i % 4)]});
  std::string streamed;
  mixed[1].options.on_text = [&](std::string_view piece) { return streamed += piece, true; };
  const std::vector<QueryResult> many = model.query_all(mixed);
  for (std::size_t i = 0; i < many.size(); ++i) {
    const QueryResult one = model.query(mixed[i].image, mixed[i].question);
    EXPECT_EQ(many[i].answer, one.answer) << i;
    EXPECT_EQ(many[i].usage.prompt_tokens, one.usage.prompt_tokens);
    EXPECT_EQ(many[i].usage.output_tokens, one.usage.output_tokens);
  }
  EXPECT_EQ(streamed, many[1].answer);
  EXPECT_TRUE(model.query_all(image, {}).empty());
  EXPECT_THROW(model.query_all(image, {"Is there a dog?", ""}), Error);
}

}  // namespace
}  // namespace moonbeam::tasks
