#include "train/batch/batch.h"

#include <gtest/gtest.h>

#include "model/testing.h"
#include "model/variants.h"
#include "tasks/prompts.h"
#include "train/batch/prompts.h"

namespace moonbeam::train {
namespace {

using model::testing::expect_error;
using model::testing::micro_config;
using torch::Tensor;

const std::string kStarter = std::string(MOONBEAM_SOURCE_DIR) + "/tests/data/starter";
constexpr int kEnd = 0, kCoord = 5;

// ------------------------------------------------------------------------------------------------ prompts

std::vector<int> ids_of(const std::vector<tasks::Token>& tokens) {
  std::vector<int> ids;
  for (const tasks::Token& token : tokens) ids.push_back(std::get<tasks::TextToken>(token).id);
  return ids;
}

TEST(PromptWriter, WritesWhatTheEngineFeeds) {
  const auto engine = tasks::open_engine(kStarter, {.threads = 1});
  const PromptWriter writer{engine->prompts(), engine->tokenizer};
  for (const auto length : {CaptionLength::kShort, CaptionLength::kNormal, CaptionLength::kLong}) {
    EXPECT_EQ(writer.caption(length), ids_of(tasks::caption_prompt(*engine, length)));
  }
  const std::string question = "Is there a dog? <|endoftext|>";
  EXPECT_EQ(writer.query(question), ids_of(tasks::query_prompt(*engine, question, {}, false)));
  EXPECT_EQ(writer.detect("red star"), ids_of(tasks::detect_prompt(*engine, "red star")));
  EXPECT_EQ(writer.point("dogs"), ids_of(tasks::point_prompt(*engine, "dogs")));
  expect_error([&] { writer.query(" "); }, ErrorCode::kInvalidArgument, {"query", "empty"});
  expect_error([&] { writer.detect(""); }, ErrorCode::kInvalidArgument, {"detect"});
  model::Prompts none;
  const PromptWriter lacking{none, engine->tokenizer};
  expect_error([&] { lacking.point("dog"); }, ErrorCode::kUnsupported, {"point"});
  expect_error([&] { lacking.caption(CaptionLength::kLong); }, ErrorCode::kUnsupported, {"captions"});
}

TEST(PromptWriter, OurOwnTemplatesAreThoseOfTheStarterForItsTokenizer) {
  const auto engine = tasks::open_engine(kStarter, {.threads = 1});
  const model::Prompts own = own_prompts(engine->tokenizer), &want = engine->prompts();
  EXPECT_EQ(own.caption, want.caption);
  for (const auto task : {&model::Prompts::query, &model::Prompts::detect, &model::Prompts::point}) {
    EXPECT_EQ((own.*task)->prefix, (want.*task)->prefix);
    EXPECT_EQ((own.*task)->suffix, (want.*task)->suffix);
  }
}

TEST(PromptWriter, OurOwnIdsAreThoseOfOurVariants) {
  const auto engine = tasks::open_engine(kStarter, {.threads = 1});
  for (const char* name : {"tiny", "small"}) {
    model::ModelConfig row = model::variant(name).config, own = row;
    own.prompts = own_prompts(engine->tokenizer);
    row.prompts.caption = own.prompts.caption;  // what the tokenizer decides
    row.prompts.query = own.prompts.query, row.prompts.detect = own.prompts.detect;
    row.prompts.point = own.prompts.point;
    EXPECT_EQ(model::write_config_json(own), model::write_config_json(row));
  }
}

// ---------------------------------------------------------------------------------------------- sequences

using Rows = std::vector<std::pair<int, int>>;
Rows token_rows(const Sequence& sequence) {
  Rows out;
  for (const TokenTarget& target : sequence.tokens) out.emplace_back(target.row, target.id);
  return out;
}
Rows coordinate_rows(const Sequence& sequence) {
  Rows out;
  for (const CoordinateTarget& target : sequence.coordinates) out.emplace_back(target.row, target.bin);
  return out;
}

TEST(Sequences, ATextIsLearntFromTheLastTokenOfThePromptToTheEnd) {
  const int prompt[] = {1, 20, 2, 30, 3}, answer[] = {40, 41};
  const Sequence sequence = text_sequence(prompt, answer, kEnd, 0.5f);
  EXPECT_EQ(sequence.inputs.size(), 7U);
  EXPECT_EQ(token_rows(sequence), (Rows{{4, 40}, {5, 41}, {6, kEnd}}));
  EXPECT_TRUE(sequence.coordinates.empty());
  EXPECT_EQ(sequence.weight, 0.5f);
}

model::ModelConfig starter_like() {
  model::ModelConfig config = model::synth_config("tiny");
  config.region->coord_divisor = 1023;
  return config;
}

TEST(Sequences, ObjectsAreLearntFromThePositionsThatTheEngineReads) {
  const int prompt[] = {1, 20, 2, 30, 3};
  const std::vector<Box> boxes = {{0, 0, 0.5, 0.25}, {0.25, 0.5, 1, 1}};
  const model::ModelConfig config = starter_like();
  const Sequence sequence = detect_sequence(prompt, boxes, config);
  ASSERT_EQ(sequence.inputs.size(), 5U + 2 * 3);
  EXPECT_EQ(token_rows(sequence), (Rows{{4, kCoord}, {7, kCoord}, {10, kEnd}}));
  // Centres (.25, .125) and (.625, .75), in 1023rds.
  EXPECT_EQ(coordinate_rows(sequence), (Rows{{4, 256}, {5, 128}, {7, 639}, {8, 767}}));
  ASSERT_EQ(sequence.sizes.size(), 2U);
  // log2(1/2) + 10 = 9 of 10 octaves, 8 of 10 for a quarter.
  EXPECT_EQ(sequence.sizes[0].row, 6);
  EXPECT_EQ(sequence.sizes[0].width_bin, 921);
  EXPECT_EQ(sequence.sizes[0].height_bin, 818);
  EXPECT_EQ(sequence.sizes[1].row, 9);
  // Fed back is what the engine decodes from the bins, not the truth.
  EXPECT_EQ(sequence.inputs[5].kind, Input::Kind::kCoordinate);
  EXPECT_EQ(sequence.inputs[5].value, 256.0f / 1023);
  EXPECT_EQ(sequence.inputs[6].value, 128.0f / 1023);
  EXPECT_EQ(sequence.inputs[7].kind, Input::Kind::kSize);
  EXPECT_NEAR(sequence.inputs[7].value, 0.5, 0.004);
  EXPECT_NEAR(sequence.inputs[7].height, 0.25, 0.002);
}

TEST(Sequences, AnAbsentObjectIsTheEndAtOnceAndPointsHaveNoSizes) {
  const int prompt[] = {1, 2, 3};
  const Sequence none = detect_sequence(prompt, {}, starter_like());
  EXPECT_EQ(token_rows(none), (Rows{{2, kEnd}}));
  EXPECT_EQ(none.inputs.size(), 3U);
  const std::vector<Point> points = {{1, 0}};
  const Sequence one = point_sequence(prompt, points, starter_like());
  EXPECT_EQ(token_rows(one), (Rows{{2, kCoord}, {4, kEnd}}));
  EXPECT_EQ(coordinate_rows(one), (Rows{{2, 1023}, {3, 0}}));
  EXPECT_TRUE(one.sizes.empty());
  model::ModelConfig no_region = starter_like();
  no_region.region.reset();
  expect_error([&] { point_sequence(prompt, points, no_region); }, ErrorCode::kUnsupported, {"region"});
}

TEST(Sequences, ObjectsAreSortedFromTopToBottomThenFromLeftToRight) {
  std::vector<Box> boxes = {{0.5, 0.2, 1, 1}, {0.1, 0.2, 1, 1}, {0.9, 0.1, 1, 1}};
  sort_objects(boxes);
  EXPECT_EQ(boxes[0].x_min, 0.9);
  EXPECT_EQ(boxes[1].x_min, 0.1);
  std::vector<Point> points = {{0.5, 0.2}, {0.1, 0.2}, {0.9, 0.1}};
  sort_objects(points);
  EXPECT_EQ(points[2].x, 0.5);
}

// ------------------------------------------------------------------------------------------------ packing

Picture picture_with(const model::ModelConfig& config, std::vector<int> lengths) {
  Picture out;
  out.patches.resize(static_cast<std::size_t>(config.vision.patches() * config.vision.patch_dim()));
  for (const int length : lengths) {
    const std::vector<int> prompt(static_cast<std::size_t>(length - 2), 7), answer{8, 9};
    out.questions.push_back(text_sequence(prompt, answer, kEnd));
  }
  return out;
}

/// Question of each text position of a picture; -1: padding.
std::vector<int> owners(const Picture& picture, int text) {
  std::vector<int> out;
  for (std::size_t i = 0; i < picture.questions.size(); ++i) {
    out.insert(out.end(), picture.questions[i].inputs.size(), static_cast<int>(i));
  }
  out.resize(static_cast<std::size_t>(text), -1);
  return out;
}

TEST(Collate, ARowSeesThePrefixAndItsOwnQuestionUpToItself) {
  model::ModelConfig config = micro_config();
  for (const bool both_ways : {true, false}) {
    config.text.prefix_attn = both_ways ? 26 : 0;
    const std::vector<Picture> pictures = {picture_with(config, {5, 4, 9}), picture_with(config, {3}),
                                           picture_with(config, {})};
    const Batch batch = collate(pictures, config);
    ASSERT_EQ(batch.prefix, 26);
    ASSERT_EQ(batch.text, 24);  // 18, to a multiple of 8
    EXPECT_EQ(batch.questions, 4);
    const auto mask = batch.mask.accessor<bool, 4>();
    const auto positions = batch.positions.accessor<std::int64_t, 2>();
    for (int n = 0; n < 3; ++n) {
      const std::vector<int> owner = owners(pictures[static_cast<std::size_t>(n)], batch.text);
      const auto question = [&](int row) {
        return row < batch.prefix ? -2 : owner[static_cast<std::size_t>(row - batch.prefix)];
      };
      int in_question = 0;
      for (int i = 0; i < batch.prefix + batch.text; ++i) {
        for (int j = 0; j < batch.prefix + batch.text; ++j) {
          const bool past = i >= batch.prefix || both_ways || j <= i;
          const bool same = question(i) >= 0 && question(i) == question(j) && j <= i;
          EXPECT_EQ(mask[n][0][i][j], (j < batch.prefix && past) || same) << n << " " << i << " " << j;
        }
        const bool first = i > 0 && question(i) != question(i - 1);
        in_question = first ? 0 : in_question + 1;
        const int want = i < batch.prefix ? i : batch.prefix + (question(i) < 0 ? 0 : in_question);
        EXPECT_EQ(positions[n][i], want) << n << " " << i;
      }
    }
  }
}

TEST(Collate, TargetsPointAtTheRowsOfTheirQuestions) {
  const model::ModelConfig config = micro_config();
  const int prompt[] = {1, 2, 3};
  const std::vector<Box> boxes = {{0.25, 0.25, 0.75, 0.75}};
  std::vector<Picture> pictures = {picture_with(config, {4, 6}), picture_with(config, {5})};
  pictures[1].questions.push_back(detect_sequence(prompt, boxes, config, 2));
  const Batch batch = collate(pictures, config);
  const int s = batch.prefix + batch.text, p = batch.prefix;
  const Tensor rows = batch.token_row;
  EXPECT_TRUE(torch::equal(rows, torch::tensor({p + 1, p + 2, p + 3, p + 7, p + 8, p + 9,  // 4, then 6
                                                s + p + 2, s + p + 3, s + p + 4,           // 5
                                                s + p + 7, s + p + 10},                    // the box
                                               torch::kLong)));
  EXPECT_EQ(batch.token_weight[-1].item<float>(), 2);
  EXPECT_TRUE(torch::equal(batch.coord_row, torch::tensor({s + p + 7, s + p + 8}, torch::kLong)));
  EXPECT_TRUE(torch::equal(batch.size_row, torch::tensor({s + p + 9}, torch::kLong)));
  EXPECT_EQ(batch.size_bin.sizes(), (std::vector<std::int64_t>{1, 2}));
  // Inputs are counted without the prefix.
  EXPECT_TRUE(torch::equal(batch.coord_at, torch::tensor({batch.text + 8, batch.text + 9}, torch::kLong)));
  EXPECT_TRUE(torch::equal(batch.size_at, torch::tensor({batch.text + 10}, torch::kLong)));
}

TEST(Collate, QuestionsBeyondTheLimitAreLeftOutAndTooLongOnesRefused) {
  model::ModelConfig config = micro_config();
  const std::vector<Picture> pictures = {picture_with(config, {5, 5, 5})};
  const Batch batch = collate(pictures, config, {.multiple = 1, .max_text = 12});
  EXPECT_EQ(batch.questions, 2);
  EXPECT_EQ(batch.text, 10);
  config.text.max_context = 30;
  expect_error([&] { collate(pictures, config); }, ErrorCode::kExhausted, {"5", "26", "30"});
}

TEST(Collate, PicturesWithoutQuestionsHaveNoTextAndNoPicturesAreRefused) {
  const model::ModelConfig config = micro_config();
  const std::vector<Picture> pictures = {picture_with(config, {}), picture_with(config, {})};
  const Batch batch = collate(pictures, config);
  EXPECT_FALSE(batch.has_text());
  EXPECT_FALSE(batch.patch_truth.defined());
  EXPECT_EQ(batch.patches.sizes(), (std::vector<std::int64_t>{2, 25, 588}));
  expect_error([&] { collate({}, config); }, ErrorCode::kInvalidArgument, {"none"});
  std::vector<Picture> broken = pictures;
  broken[1].patches.pop_back();
  expect_error([&] { collate(broken, config); }, ErrorCode::kInvalidArgument, {"patches"});
}

// ------------------------------------------------------------------------------------------------ cutting

Image gradient_image(int height, int width) {
  Image out{height, width, {}};
  for (int i = 0; i < height * width * 3; ++i) out.pixels.push_back(static_cast<std::uint8_t>(i * 7));
  return out;
}

TEST(Cut, AWindowTakesItsPlaceInThePositionTable) {
  const vision::VisionConfig config = micro_config().vision;  // 5 x 5 patches
  const Picture window = cut_window(gradient_image(28, 28), config, 1, 3);
  EXPECT_EQ(window.position_rows, (std::vector<std::int64_t>{8, 9, 13, 14}));
  EXPECT_EQ(window.patches.size(), 4U * 588);
  const std::vector<Picture> pictures = {window, window};
  const Batch batch = collate(pictures, micro_config());
  EXPECT_EQ(batch.position_rows.sizes(), (std::vector<std::int64_t>{2, 4}));
  for (const auto& at : {std::pair{4, 0}, {0, 4}, {-1, 0}}) {
    expect_error([&] { cut_window(gradient_image(28, 28), config, at.first, at.second); },
                 ErrorCode::kInvalidArgument, {"window"});
  }
  expect_error([&] { cut_window(gradient_image(28, 30), config, 0, 0); }, ErrorCode::kInvalidArgument,
               {"30x28"});
}

TEST(Cut, APictureOfSeveralCropsBringsThemAll) {
  const model::ModelConfig config = model::synth_config("tiny");
  const Picture picture = cut_picture(gradient_image(420, 500), config.vision);
  EXPECT_EQ(picture.tiling.rows, 3);
  EXPECT_EQ(picture.tiling.cols, 3);
  EXPECT_EQ(picture.patches.size(), 10U * 729 * 588);
  expect_error([&] { cut_picture({}, config.vision); }, ErrorCode::kInvalidArgument, {"0x0"});
}

// -------------------------------------------------------------------------------------------------- truth

data::Scene two_objects() {
  data::Scene scene;
  scene.image = gradient_image(40, 40);
  data::SceneObject back, front;
  back.label = 3, back.box = {0, 0, 30, 30}, back.depth = 0;
  front.label = 7, front.box = {20, 20, 40, 40}, front.depth = 1, front.colour = data::Colour::kBlue;
  scene.objects = {front, back};
  return scene;
}

/// Labels of the cells, row by row.
std::vector<int> labels(const GridTruth& truth) {
  std::vector<int> out;
  for (const GridTruth::Cell& cell : truth.cells) out.push_back(cell.label);
  return out;
}

TEST(GridTruth, WithoutMasksACellBelongsToTheForemostBoxAtItsCentre) {
  const GridTruth truth = grid_truth(two_objects(), 4);
  EXPECT_EQ(labels(truth), (std::vector<int>{3, 3, 3, -1, 3, 3, 3, -1, 3, 3, 7, 7, -1, -1, 7, 7}));
  const GridTruth::Cell& cell = truth.cells[10];
  EXPECT_EQ(cell.colour, static_cast<int>(data::Colour::kBlue));
  EXPECT_EQ(cell.box[0], 0.5f);
  EXPECT_EQ(cell.box[3], 1.0f);
  EXPECT_EQ(truth.cells[0].colour, -1);
}

TEST(GridTruth, WithMasksACellBelongsToWhatShowsMostInIt) {
  data::Scene scene = two_objects();
  // The object behind shows its first five columns in rows 0..19, the one in front columns 28..39 whole.
  std::vector<std::uint32_t> runs{0, 20};
  for (int column = 1; column < 5; ++column) runs.insert(runs.end(), {20, 20});
  runs.push_back(40 * 40 - 4 * 40 - 20);
  scene.objects[1].mask.runs = runs;
  scene.objects[0].mask.runs = {28 * 40, 12 * 40};
  const GridTruth truth = grid_truth(scene, 4);
  // Half of the first cells; a fifth of the cells of columns 20..29 is not enough.
  EXPECT_EQ(labels(truth), (std::vector<int>{3, -1, -1, 7, 3, -1, -1, 7, -1, -1, -1, 7, -1, -1, -1, 7}));
}

}  // namespace
}  // namespace moonbeam::train
