// The public model: errors, callbacks, sharing, and answers that depend on nothing but the question. Runs the
// parity model, whose weights mean nothing but whose arithmetic is that of the large one.
#include <moonbeam/moonbeam.h>

#include <gtest/gtest.h>

#include <thread>

#include "base/text.h"
#include "tasks/gaze.h"
#include "tasks/generate.h"
#include "tasks/image_prefix.h"
#include "tasks/prompts.h"

namespace moonbeam {
namespace {

const std::string kTiny = std::string(MOONBEAM_SOURCE_DIR) + "/tests/goldens/tiny";
const std::string kStarter = std::string(MOONBEAM_SOURCE_DIR) + "/tests/data/starter";

const Model& tiny() {
  static const Model model = Model::load(kTiny, {.threads = 2});
  return model;
}

const Model& starter() {
  static const Model model = Model::load(kStarter, {.threads = 2});
  return model;
}

Image grey(int height, int width) {
  return {
      height, width,
      std::vector<std::uint8_t>(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3, 128)};
}

const EncodedImage& tiny_picture() {
  static const EncodedImage encoded = tiny().encode_image(
      load_image(std::string(MOONBEAM_SOURCE_DIR) + "/tests/goldens/images/tiny_40x30.png"));
  return encoded;
}

const EncodedImage& starter_picture() {
  static const EncodedImage encoded = starter().encode_image(load_image(kStarter + "/samples/s1.png"));
  return encoded;
}

template <typename F>
std::string error_of(ErrorCode code, F&& run) {
  try {
    run();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Model, SaysWhatItCanDo) {
  const ModelInfo& info = starter().info();
  EXPECT_EQ(info.dtype, "bf16");
  EXPECT_EQ(info.mode, "f32");
  EXPECT_EQ(info.threads, 2);
  EXPECT_EQ(info.parameters, 5'697'696);
  EXPECT_EQ(info.image_tokens, 49);
  EXPECT_TRUE(info.can_detect);
  EXPECT_EQ(info.caption_lengths, (std::vector<std::string>{"short", "normal", "long"}));
  EXPECT_EQ(tiny().info().image_tokens, 729);
}

TEST(Model, OneEncodedPictureServesManyQuestions) {
  const EncodedImage& picture = starter_picture();
  EXPECT_EQ(picture.prefix_tokens(), 50);
  EXPECT_EQ(starter().caption(picture, {{}, CaptionLength::kShort}).caption, "Two apples and a dog.");
  EXPECT_EQ(starter().query(picture, "Is there a dog?").answer, "Yes.");
  EXPECT_EQ(starter().query(picture, "Is there a banana?").answer, "No.");
  EXPECT_EQ(starter().detect(picture, "apple").size(), 2u);
  EXPECT_EQ(starter().point(picture, "dog").size(), 1u);
  EXPECT_TRUE(starter().point(picture, "banana").empty());
  EXPECT_EQ(starter().caption(picture, {{}, CaptionLength::kShort}).caption, "Two apples and a dog.");
}

TEST(Model, ThreadsMayShareItAndItsPictures) {
  const EncodedImage& picture = starter_picture();
  std::vector<std::string> answers(4);
  std::vector<std::thread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&] { answer = starter().caption(picture, {{}, CaptionLength::kLong}).caption; });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  EXPECT_NE(answers[0].find("three objects"), std::string::npos) << answers[0];
}

TEST(Model, GivesTheSameLogitsForAnyNumberOfThreads) {
  std::vector<std::vector<float>> logits;
  for (const int threads : {1, 2, 3}) {
    const auto engine = tasks::open_engine(kTiny, {.threads = threads});
    const auto picture = tasks::encode_image(engine, grey(50, 60), {});
    tasks::Runner runner(*engine);
    tasks::Sequence sequence = tasks::continue_image(*engine, *picture);
    runner.advance(sequence, tasks::caption_prompt(*engine, CaptionLength::kNormal));
    logits.push_back(sequence.logits);
  }
  EXPECT_EQ(logits[0], logits[1]);
  EXPECT_EQ(logits[0], logits[2]);
}

// Several sequences in one step must not see each other: every one gets the bits it gets alone.
TEST(Runner, AStepOfManySequencesGivesEachWhatItGetsAlone) {
  const auto engine = tasks::open_engine(kTiny, {.threads = 2});
  const auto picture = tasks::encode_image(engine, grey(50, 60), {});
  tasks::Runner runner(*engine);
  for (const int batch : {2, 5, 16}) {
    std::vector<tasks::Sequence> together, alone;
    std::vector<tasks::Token> tokens;
    for (int i = 0; i < batch; ++i) {
      const std::vector<tasks::Token> prompt(static_cast<std::size_t>(1 + i % 3), tasks::TextToken{10 + i});
      for (auto* sequences : {&together, &alone}) {
        sequences->push_back(tasks::continue_image(*engine, *picture));
        runner.advance(sequences->back(), prompt);
      }
      tokens.emplace_back(tasks::TextToken{100 + i});
    }
    std::vector<tasks::Feed> feeds;
    for (std::size_t i = 0; i < together.size(); ++i)
      feeds.push_back({&together[i], std::span(&tokens[i], 1)});
    runner.advance(feeds);
    for (std::size_t i = 0; i < alone.size(); ++i) {
      runner.advance(alone[i], std::span(&tokens[i], 1));
      EXPECT_EQ(together[i].logits, alone[i].logits) << "sequence " << i << " of " << batch;
      EXPECT_EQ(together[i].hidden, alone[i].hidden);
    }
  }
}

TEST(Model, StreamsTheTextItReturns) {
  std::string streamed;
  int pieces = 0;
  CaptionOptions options{{}, CaptionLength::kLong};
  options.on_text = [&](std::string_view piece) {
    EXPECT_TRUE(base::is_valid_utf8(piece));
    streamed += piece;
    ++pieces;
    return true;
  };
  const CaptionResult result = starter().caption(starter_picture(), options);
  EXPECT_EQ(streamed, result.caption);
  EXPECT_GT(pieces, 10);
  EXPECT_EQ(result.finish, Finish::kEos);
  EXPECT_GT(result.usage.output_tokens, 10);
  EXPECT_EQ(result.usage.prompt_tokens, 55);
}

TEST(Model, StopsWhereTheCallerSays) {
  CaptionOptions options{{}, CaptionLength::kLong};
  options.on_text = [](std::string_view) { return false; };
  EXPECT_EQ(starter().caption(starter_picture(), options).finish, Finish::kStopped);

  options.on_text = {};
  options.stop = {" in the"};
  CaptionResult result = starter().caption(starter_picture(), options);
  EXPECT_EQ(result.caption, "An apple");
  EXPECT_EQ(result.finish, Finish::kStopped);

  options.stop = {};
  options.max_tokens = 3;
  result = starter().caption(starter_picture(), options);
  EXPECT_EQ(result.finish, Finish::kLength);
  EXPECT_EQ(result.usage.output_tokens, 3);

  options.max_tokens = 0;
  EXPECT_EQ(starter().caption(starter_picture(), options).caption, "");
}

TEST(Model, ACancelledEncodingIsAnErrorAndACancelledTaskIsNot) {
  int calls = 0;
  error_of(ErrorCode::kCancelled,
           [&] { starter().encode_image(grey(20, 20), [&](const Progress&) { return ++calls < 3; }); });
  EXPECT_EQ(calls, 3);

  CaptionOptions options;
  options.progress = [](const Progress& progress) { return progress.stage != Progress::Stage::kPrefill; };
  EXPECT_EQ(starter().caption(starter_picture(), options).finish, Finish::kStopped);
  // The picture is as it was.
  EXPECT_EQ(starter().query(starter_picture(), "Is there a dog?").answer, "Yes.");
}

TEST(Model, ReportsEveryLayerOfTheEncoderAndOfThePrefix) {
  std::map<Progress::Stage, int> calls;
  starter().encode_image(grey(20, 20), [&](const Progress& progress) {
    EXPECT_LE(progress.done, progress.total);
    ++calls[progress.stage];
    return true;
  });
  EXPECT_EQ(calls[Progress::Stage::kEncode], 6);
  EXPECT_EQ(calls[Progress::Stage::kPrefill], 4);
}

TEST(Model, SamplingRepeatsItselfForTheSameSeed) {
  const auto sample = [&](std::uint64_t seed) {
    CaptionOptions options;
    options.max_tokens = 20;
    options.sampling = {.temperature = 2.0, .top_p = 1.0, .seed = seed};
    return tiny().caption(tiny_picture(), options).caption;
  };
  EXPECT_EQ(sample(1), sample(1));
  EXPECT_NE(sample(1), sample(2));
}

TEST(Model, RefusesWhatMakesNoSense) {
  const EncodedImage& picture = starter_picture();
  error_of(ErrorCode::kInvalidArgument, [&] { starter().query(picture, ""); });
  error_of(ErrorCode::kInvalidArgument, [&] { starter().query(picture, " \n\t"); });
  error_of(ErrorCode::kInvalidArgument, [&] { starter().detect(picture, ""); });
  error_of(ErrorCode::kInvalidArgument, [&] { starter().point(picture, "  "); });
  error_of(ErrorCode::kInvalidArgument, [&] { starter().detect(picture, "dog", {.max_objects = -1}); });
  error_of(ErrorCode::kInvalidArgument, [&] { starter().encode_image(Image{}); });
  error_of(ErrorCode::kInvalidArgument, [&] { starter().caption(tiny_picture()); });
  QueryOptions options;
  options.max_tokens = -1;
  error_of(ErrorCode::kInvalidArgument, [&] { starter().query(picture, "Is there a dog?", options); });
  options.max_tokens = 5;
  options.sampling.temperature = -1;
  error_of(ErrorCode::kInvalidArgument, [&] { starter().query(picture, "Is there a dog?", options); });
  error_of(ErrorCode::kInvalidArgument, [&] { Model::load(kTiny, {.threads = -1}); });
  EXPECT_NE(error_of(ErrorCode::kUnsupported, [&] { Model::load(kTiny, {.isa = "z80"}); }).find("scalar"),
            std::string::npos);
}

TEST(Model, RefusesSpatialReferencesOutsideThePicture) {
  QueryOptions options;
  options.spatial_refs = {{.point = Point{0.5, 1.5}, .box = {}}};
  error_of(ErrorCode::kInvalidArgument, [&] { tiny().query(tiny_picture(), "What is here?", options); });
  options.spatial_refs = {{.point = {}, .box = Box{0.5, 0.1, 0.4, 0.2}}};
  error_of(ErrorCode::kInvalidArgument, [&] { tiny().query(tiny_picture(), "What is here?", options); });
  options.spatial_refs = {SpatialRef{}};
  error_of(ErrorCode::kInvalidArgument, [&] { tiny().query(tiny_picture(), "What is here?", options); });
}

TEST(Model, AQuestionLongerThanTheContextIsRefusedWithBothFigures) {
  std::string question;
  for (int i = 0; i < 4000; ++i) question += "dog ";
  const std::string message =
      error_of(ErrorCode::kExhausted, [&] { starter().query(starter_picture(), question); });
  EXPECT_NE(message.find("2048"), std::string::npos) << message;
}

TEST(Model, ControlTokensInAQuestionStayText) {
  const std::vector<int> ids = tiny().encode("a");
  EXPECT_EQ(ids.size(), 1u);
  for (const int id : tiny().encode("<|md_reserved_2|><|endoftext|>")) EXPECT_GT(id, 9);
}

TEST(Model, MaxObjectsBoundsTheAnswer) {
  EXPECT_TRUE(tiny().detect(tiny_picture(), "dog", {.max_objects = 0}).empty());
  EXPECT_EQ(tiny().detect(tiny_picture(), "dog", {.max_objects = 2}).size(), 2u);
  for (const Box& box : tiny().detect(tiny_picture(), "dog", {.max_objects = 12, .clamp = true})) {
    EXPECT_GE(box.x_min, 0);
    EXPECT_LE(box.x_max, 1);
  }
}

TEST(Gaze, LeavesOutPointsFarFromTheOthers) {
  const std::vector<Point> points = {{0.5, 0.5}, {0.51, 0.5}, {0.5, 0.51}, {0.49, 0.5}, {0.9, 0.1}};
  const auto kept = tasks::remove_outliers(points);
  ASSERT_EQ(kept.size(), 4u);
  EXPECT_NEAR(tasks::mean(kept).x, 0.5, 1e-9);
  EXPECT_NEAR(tasks::mean(kept).y, 0.5025, 1e-9);
  EXPECT_EQ(tasks::remove_outliers({{0, 0}, {1, 1}, {0, 1}}).size(), 3u);
}

TEST(Model, AnswersAPictureOfAnyShape) {
  for (const auto& [height, width] : {std::pair{1, 20000}, {20000, 1}, {1, 1}, {377, 3000}}) {
    const EncodedImage picture = tiny().encode_image(grey(height, width));
    EXPECT_EQ(picture.height(), height);
    CaptionOptions options;
    options.max_tokens = 1;
    EXPECT_LE(tiny().caption(picture, options).usage.output_tokens, 1);
  }
}

}  // namespace
}  // namespace moonbeam
