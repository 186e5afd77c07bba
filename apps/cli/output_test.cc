#include "cli/output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/text.h"

namespace moonbeam::cli {
namespace {

using nlohmann::json;

Answer text_answer(const std::string& prompt, const std::string& text) {
  Answer answer;
  answer.prompt = prompt;
  answer.text = text;
  answer.metrics = {.input_tokens = 55,
                    .output_tokens = 7,
                    .encode_ms = 10,
                    .prefill_ms = 5,
                    .decode_ms = 2,
                    .ttft_ms = 15};
  return answer;
}

Answer box_answer(const std::string& object, std::vector<Box> boxes) {
  Answer answer;
  answer.prompt = object;
  answer.boxes = std::move(boxes);
  return answer;
}

TEST(JsonLine, HasTheKeysOfTheHttpApi) {
  const PictureAnswers picture{"a.png", 10, 20, {text_answer("", "caf\xC3\xA9 \xF0\x9F\x8C\x99")}};
  const std::string line = json_line(picture, Task::kCaption);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  for (const char c : line) EXPECT_LT(static_cast<unsigned char>(c), 0x80);
  const json object = json::parse(line);
  EXPECT_EQ(object["image"], "a.png");
  EXPECT_EQ(object["caption"], "caf\xC3\xA9 \xF0\x9F\x8C\x99");
  EXPECT_EQ(object["finish_reason"], "stop");
  EXPECT_TRUE(object["request_id"].get<std::string>().starts_with("mb-"));
  EXPECT_EQ(object["request_id"].get<std::string>().size(), 29u);
  EXPECT_EQ(object["metrics"]["input_tokens"], 55);
  EXPECT_EQ(object["metrics"]["ttft_ms"], 15.0);
}

TEST(JsonLine, AnswersSeveralQuestionsInOneObject) {
  const PictureAnswers one{"a.png", 1, 1, {text_answer("Q?", "A.")}};
  EXPECT_EQ(json::parse(json_line(one, Task::kQuery))["answer"], "A.");
  EXPECT_EQ(json::parse(json_line(one, Task::kQuery))["question"], "Q?");
  const PictureAnswers two{"a.png", 1, 1, {text_answer("Q?", "A."), text_answer("R?", "B.")}};
  const json object = json::parse(json_line(two, Task::kQuery));
  ASSERT_EQ(object["answers"].size(), 2u);
  EXPECT_EQ(object["answers"][1]["answer"], "B.");
  EXPECT_EQ(object["metrics"]["output_tokens"], 14);
  EXPECT_EQ(object["metrics"]["encode_time_ms"], 10.0);
}

TEST(JsonLine, RoundsCoordinatesToSixDecimals) {
  const PictureAnswers picture{"a", 1, 1, {box_answer("dog", {{-0.0000001, 1.0 / 3, 1.25, 0.5}})}};
  const std::string line = json_line(picture, Task::kDetect);
  EXPECT_NE(line.find("\"x_min\":0.0,\"y_min\":0.333333,\"x_max\":1.25,\"y_max\":0.5"), std::string::npos)
      << line;
}

TEST(JsonLine, LabelsBoxesOfSeveralObjects) {
  const PictureAnswers picture{"a", 1, 1, {box_answer("dog", {{}}), box_answer("cat", {{}})}};
  const json object = json::parse(json_line(picture, Task::kDetect));
  EXPECT_EQ(object["object"], (json{"dog", "cat"}));
  EXPECT_EQ(object["objects"][1]["label"], "cat");
  EXPECT_FALSE(object["metrics"].contains("input_tokens"));
}

TEST(JsonLine, CountsPointsAndKnowsNoGaze) {
  Answer answer;
  answer.prompt = "dog";
  answer.points = {{0.5, 0.25}, {0.1, 0.2}};
  const json points = json::parse(json_line({"a", 1, 1, {answer}}, Task::kPoint));
  EXPECT_EQ(points["count"], 2);
  EXPECT_EQ(points["points"][0], (json{{"x", 0.5}, {"y", 0.25}}));
  EXPECT_TRUE(json::parse(json_line({"a", 1, 1, {Answer{}}}, Task::kGaze))["gaze"].is_null());
}

TEST(JsonLine, WritesReasoningAsTheApiDoes) {
  Answer answer = text_answer("Q?", "A.");
  answer.reasoning = Reasoning{"the dog", {{4, 7, {{0.5, 0.5}}}}};
  const json object = json::parse(json_line({"a", 1, 1, {answer}}, Task::kQuery));
  EXPECT_EQ(object["reasoning"]["text"], "the dog");
  EXPECT_EQ(object["reasoning"]["grounding"][0]["points"], json::parse("[[0.5,0.5]]"));
}

TEST(JsonLine, KeepsNamesThatAreNotUtf8) {
  const json object = json::parse(json_line({"caf\xe9.png", 1, 1, {Answer{}}}, Task::kCaption));
  EXPECT_EQ(object["image"], "caf\xEF\xBF\xBD.png");
  EXPECT_EQ(object["image_hex"], "636166e92e706e67");
}

TEST(TextLines, NamePicturesAndQuestionsWhereThereAreSeveral) {
  const PictureAnswers one{"a.png", 1, 1, {text_answer("Q?", " A.")}};
  EXPECT_EQ(text_lines(one, Task::kQuery, false), "A.\n");
  EXPECT_EQ(text_lines(one, Task::kQuery, true), "a.png: A.\n");
  const PictureAnswers two{"a.png", 1, 1, {text_answer("Q?", "A."), text_answer("R?", "B.")}};
  EXPECT_EQ(text_lines(two, Task::kQuery, false), "Q? A.\nR? B.\n");
}

TEST(TextLines, GiveALineToEachObject) {
  EXPECT_EQ(text_lines({"a", 1, 1, {box_answer("dog", {{0.1, 0.2, 0.3, 0.4}})}}, Task::kDetect, false),
            "0.1000 0.2000 0.3000 0.4000\n");
  EXPECT_EQ(text_lines({"a", 1, 1, {box_answer("dog", {})}}, Task::kDetect, true), "");
  EXPECT_EQ(text_lines({"a", 1, 1, {Answer{}}}, Task::kGaze, false), "outside the picture\n");
}

TEST(Csv, QuotesWhatNeedsIt) {
  EXPECT_EQ(csv_header(Task::kQuery), "image,question,answer\n");
  EXPECT_EQ(csv_rows({"a,b.png", 1, 1, {text_answer("Q?", "say \"A\"")}}, Task::kQuery),
            "\"a,b.png\",Q?,\"say \"\"A\"\"\"\n");
  EXPECT_EQ(csv_rows({"a", 1, 1, {box_answer("dog", {{0.1, 0.2, 0.3, 1.0 / 3}})}}, Task::kDetect),
            "a,dog,0.1,0.2,0.3,0.333333\n");
}

TEST(Coco, IsAResultFileInPixels) {
  CocoFile file(Task::kDetect);
  std::string text =
      file.add({"val/000000000042.jpg", 100, 200, {box_answer("dog", {{0.1, 0.2, 0.6, 0.7}})}}, 0);
  text += file.add({"holiday.jpg", 100, 200, {box_answer("dog", {}), box_answer("cat", {{0, 0, 1, 1}})}}, 1);
  text += file.finish();
  const json found = json::parse(text);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0]["image_id"], 42);
  EXPECT_EQ(found[0]["bbox"], (json{20.0, 20.0, 100.0, 50.0}));
  EXPECT_EQ(found[0]["category_id"], 1);
  EXPECT_EQ(found[1]["image_id"], 2);
  EXPECT_EQ(found[1]["category_id"], 2);
  EXPECT_EQ(found[1]["category"], "cat");
}

TEST(Coco, IsAnEmptyListWhereNothingWasFound) {
  EXPECT_EQ(json::parse(CocoFile(Task::kDetect).finish()), json::array());
}

}  // namespace
}  // namespace moonbeam::cli
