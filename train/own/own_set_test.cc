// Files of every shape as people write them, and everything that can be wrong with one.
#include "train/own/own_set.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <algorithm>

#include "base/test_folder.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;
using Task = OwnQuestion::Task;

class OwnSetTest : public ::testing::Test {
 protected:
  OwnSetTest() {
    for (const char* name : {"a.png", "b.png", "pictures/c.png"}) folder_.put(name, "not opened here");
  }

  OwnSet read(const std::string& name, const std::string& content, const std::string& images = {}) {
    folder_.put(name, content);
    return read_own_set({{folder_ / name, images}}, {.seed = 3, .absent = 1});
  }

  /// The message, after checking that it names the place and does not span lines.
  std::string refused(const std::string& name, const std::string& content, ErrorCode code) {
    try {
      read(name, content);
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), code) << message;
      EXPECT_NE(message.find(name), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      return message;
    }
    ADD_FAILURE() << "nothing was thrown for " << content;
    return {};
  }

  TestFolder folder_;
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

// -------------------------------------------------------------------------------------------------- LLaVA

TEST_F(OwnSetTest, ReadsConversationsAsQuestionsByThemselves) {
  const OwnSet set = read("mine.json", R"([
    {"id": "7-0", "image": "a.png", "conversations": [
      {"from": "human", "value": "<image>\nWhat animal is this?"}, {"from": "gpt", "value": " A dog.\n"},
      {"from": "human", "value": "Where is it?"}, {"from": "gpt", "value": "On grass."}]},
    {"id": "8", "conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi"}]},
    {"image": "b.png", "conversations": [
      {"from": "human", "value": "<image>"}, {"from": "gpt", "value": "A cat on a mat."}]}])");
  ASSERT_EQ(set.pictures.size(), 2u);
  const OwnPicture& first = set.pictures[0];
  EXPECT_EQ(first.path, folder_ / "a.png");
  EXPECT_TRUE(first.upright);
  ASSERT_EQ(first.questions.size(), 2u);
  EXPECT_EQ(first.questions[0].text, "What animal is this?");
  EXPECT_EQ(first.questions[0].answer, "A dog.");
  EXPECT_EQ(first.questions[1].text, "Where is it?");
  EXPECT_EQ(set.pictures[1].questions[0].task, Task::kCaption);
  EXPECT_EQ(set.pictures[1].questions[0].answer, "A cat on a mat.");
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_HAS(set.notes[0], "1 rows without a picture");
}

TEST_F(OwnSetTest, TheMarkOfThePictureMayStandBehindTheQuestion) {
  const OwnSet set = read("mine.json", R"([{"image": "a.png", "conversations": [
    {"from": "human", "value": "What is this?\n<image>"}, {"from": "gpt", "value": "A dog."}]}])");
  EXPECT_EQ(set.pictures.at(0).questions.at(0).text, "What is this?");
}

TEST_F(OwnSetTest, RefusesBrokenConversationsByRowAndTurn) {
  const auto conversation = [](const std::string& turns) {
    return R"([{"image": "b.png", "conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]},
               {"image": "a.png", "conversations": [)" +
           turns + "]}]";
  };
  const ErrorCode corrupt = ErrorCode::kCorrupt;
  std::string message = refused("m.json", conversation(R"({"from": "gpt", "value": "y"})"), corrupt);
  EXPECT_HAS(message, "row 2: conversations 1: from: expected human, got \"gpt\"");
  message = refused("m.json", conversation(R"({"from": "human", "value": "x"})"), corrupt);
  EXPECT_HAS(message, "row 2: conversations: expected an answer at the end");
  message = refused(
      "m.json", conversation(R"({"from": "human", "value": "x"}, {"from": "gpt", "value": "  "})"), corrupt);
  EXPECT_HAS(message, "row 2: conversations 2: expected text");
  message = refused("m.json", conversation(R"({"from": "human", "value": "<image><image>x"})"), corrupt);
  EXPECT_HAS(message, "<image> once");
  message = refused("m.json", conversation(R"({"from": "narrator", "value": "x"})"), corrupt);
  EXPECT_HAS(message, "expected human or gpt, got \"narrator\"");
  message = refused("m.json", conversation(R"({"from": "human"})"), corrupt);
  EXPECT_HAS(message, "value: expected a string, got nothing");
  message = refused("m.json", R"([{"image": "a.png"}])", corrupt);
  EXPECT_HAS(message, "row 1: conversations: expected a list, got nothing");
  message = refused("m.json", R"([{"image": ["a.png", "b.png"], "conversations": []}])", corrupt);
  EXPECT_HAS(message, "row 1: image: expected a string, got array");
  message = refused("m.json", R"([{"image": "no.png", "conversations": []}])", ErrorCode::kNotFound);
  EXPECT_HAS(message, "row 1: no picture ");
  EXPECT_HAS(message, "no.png; --images");
}

// --------------------------------------------------------------------------------------------------- COCO

const std::string kCoco = R"({"info": {"year": 2026},
  "images": [{"id": 7, "file_name": "a.png", "width": 100, "height": 50},
             {"id": 8, "file_name": "b.png", "width": 10, "height": 10}],
  "annotations": [
    {"id": 1, "image_id": 7, "category_id": 18, "bbox": [50, 25, 60, 25], "area": 9, "iscrowd": 0,
     "segmentation": [[1, 2, 3], {"deep": [[[4]]]}]},
    {"id": 2, "image_id": 7, "category_id": 18, "bbox": [10, 5, 20, 20]},
    {"id": 3, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1,
     "segmentation": {"size": [240, 320], "counts": [36020, 60]}},
    {"id": 4, "image_id": 8, "category_id": 3, "bbox": [1, 1, 0, 4]}],
  "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}, {"id": 3, "name": "car"}]})";

TEST_F(OwnSetTest, ReadsInstancesAsDetectAndPointOfEachCategory) {
  const OwnSet set = read("instances.json", kCoco);
  ASSERT_EQ(set.pictures.size(), 2u);
  const OwnPicture& picture = set.pictures[0];
  EXPECT_FALSE(picture.upright);
  EXPECT_EQ(picture.width, 100);
  EXPECT_EQ(picture.height, 50);
  // Dogs, and a car that is not there; of the crowd of persons nothing is known for sure.
  ASSERT_EQ(picture.questions.size(), 4u);
  const OwnQuestion &detect = picture.questions[0], &point = picture.questions[1];
  EXPECT_EQ(detect.task, Task::kDetect);
  EXPECT_EQ(detect.text, "dog");
  ASSERT_EQ(detect.boxes.size(), 2u);
  EXPECT_DOUBLE_EQ(detect.boxes[0].x_min, 0.5);
  EXPECT_DOUBLE_EQ(detect.boxes[0].y_min, 0.5);
  EXPECT_DOUBLE_EQ(detect.boxes[0].x_max, 1);  // cut off at the picture's edge
  EXPECT_DOUBLE_EQ(detect.boxes[0].y_max, 1);
  EXPECT_EQ(point.task, Task::kPoint);
  ASSERT_EQ(point.points.size(), 2u);
  EXPECT_DOUBLE_EQ(point.points[1].x, 0.2);
  EXPECT_DOUBLE_EQ(point.points[1].y, 0.3);
  EXPECT_EQ(picture.questions[2].text, "car");
  EXPECT_TRUE(picture.questions[2].boxes.empty());
  EXPECT_EQ(set.pictures[1].questions.size(), 2u);  // one absent category, twice
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_HAS(set.notes[0], "1 boxes without an area");
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST_F(OwnSetTest, CategoriesMayComeFirst) {
  const std::string categories =
      R"("categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}, {"id": 3, "name": "car"}])";
  std::string text = replaced(kCoco, ",\n  " + categories, "");
  text = replaced(text, "{\"info\"", "{" + categories + ", \"info\"");
  EXPECT_EQ(read("instances.json", text).pictures.at(0).questions.size(), 4u);
}

TEST_F(OwnSetTest, TwoCategoriesOfOneNameAreOne) {
  std::string text = replaced(kCoco, "{\"id\": 3, \"name\": \"car\"}", "{\"id\": 3, \"name\": \"dog\"}");
  text = replaced(text, "\"category_id\": 18, \"bbox\": [10", "\"category_id\": 3, \"bbox\": [10");
  const OwnSet set = read("instances.json", text);
  ASSERT_EQ(set.pictures.size(), 2u);
  // The picture of two dogs and a crowd of persons: nothing is left that is not there.
  ASSERT_EQ(set.pictures[0].questions.size(), 2u);
  EXPECT_EQ(set.pictures[0].questions[0].text, "dog");
  EXPECT_EQ(set.pictures[0].questions[0].boxes.size(), 2u);
  for (const OwnQuestion& question : set.pictures[1].questions) EXPECT_TRUE(question.boxes.empty());
}

TEST_F(OwnSetTest, SaysWhereAFileHasNoBoxesAtAll) {
  const std::size_t first = kCoco.find("\"annotations\": ["), last = kCoco.find("\"categories\"");
  const OwnSet set =
      read("instances.json", kCoco.substr(0, first) + "\"annotations\": [],\n  " + kCoco.substr(last));
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_HAS(set.notes[0], "instances.json: no annotations");
  EXPECT_EQ(set.pictures.size(), 2u);
}

TEST_F(OwnSetTest, RefusesWrongLabelsAndBoxesByAnnotation) {
  const auto with = [&](const std::string& from, const std::string& to) {
    return refused("c.json", replaced(kCoco, from, to), ErrorCode::kCorrupt);
  };
  EXPECT_HAS(with("\"image_id\": 7, \"category_id\": 18, \"bbox\": [10",
                  "\"image_id\": 7, \"category_id\": 99, \"bbox\": [10"),
             "annotation 2 (id 2): category_id 99: no such category");
  EXPECT_HAS(with("\"image_id\": 8", "\"image_id\": 9"), "annotation 4 (id 4): image_id 9: no such image");
  EXPECT_HAS(with("[10, 5, 20, 20]", "[110, 5, 20, 20]"),
             "annotation 2 (id 2): bbox: expected a box in the picture");
  EXPECT_HAS(with("[10, 5, 20, 20]", "[10, 5, -20, 20]"), "annotation 2: bbox: expected");
  EXPECT_HAS(with("[10, 5, 20, 20]", "[10, 5, 20]"),
             "annotation 2: bbox: expected x, y, a width and a height");
  EXPECT_HAS(with("\"category_id\": 3", "\"category\": 3"),
             "annotation 4: category_id: expected a whole number, got nothing");
  EXPECT_HAS(with("\"width\": 100", "\"width\": \"100\""), "image 1: width: expected a whole number");
  EXPECT_HAS(with("\"width\": 100", "\"width\": 0"),
             "image 1: width: expected a whole number of 1 to 65535, got 0");
  EXPECT_HAS(with("\"id\": 8, \"file", "\"id\": 7, \"file"),
             "image 2 (id 7): expected an id that no other image has");
  EXPECT_HAS(with("\"name\": \"dog\"", "\"name\": \" \""), "category 2: name: expected a name");
  EXPECT_HAS(with("\"categories\"", "\"classes\""), "0 categories");
  EXPECT_HAS(refused("c.json", replaced(kCoco, "b.png", "no.png"), ErrorCode::kNotFound),
             "image 2 (id 8): no picture ");
}

// ---------------------------------------------------------------------------------------------- canonical

TEST_F(OwnSetTest, ReadsCanonicalSamplesByLines) {
  const OwnSet set = read(
      "samples.jsonl",
      R"({"v":1,"image":{"file":"a.png","w":40,"h":30},"task":"query","turns":[{"q":"how many dogs","a":"2"}]}
{"v":1,"image":{"file":"b.png"},"task":"caption","turns":[{"q":"","a":"A dog.","style":"short"}],"regions":[]}

{"v":1,"image":{"file":"a.png"},"task":"detect","turns":[{"q":"dog"}],"regions":[{"label":"dog","box":[0.1,0.2,0.3,0.4]}]}
{"v":1,"image":{"file":"a.png"},"task":"point","turns":[{"q":"cat"}],"regions":[]}
{"v":1,"image":{"file":"a.png"},"task":"point","regions":[{"label":"dog","box":[0,0,0.5,1]},{"label":"dog","box":[0,0,1,1],"point":[0.9,0.8]}]}
)");
  ASSERT_EQ(set.pictures.size(), 2u);
  const std::vector<OwnQuestion>& questions = set.pictures[0].questions;
  EXPECT_EQ(set.pictures[0].width, 40);
  ASSERT_EQ(questions.size(), 4u);  // one picture in however many lines
  EXPECT_EQ(questions[0].answer, "2");
  EXPECT_EQ(questions[1].boxes.at(0).x_max, 0.3);
  EXPECT_TRUE(questions[2].points.empty());
  EXPECT_EQ(questions[2].text, "cat");
  EXPECT_EQ(questions[3].text, "dog");
  EXPECT_EQ(questions[3].points.at(0).x, 0.25);
  EXPECT_EQ(questions[3].points.at(1).y, 0.8);
  EXPECT_EQ(set.pictures[1].questions[0].length, CaptionLength::kShort);
}

TEST_F(OwnSetTest, LinesAreKnownByTheirContentTooAndMayHoldConversations) {
  const OwnSet set =
      read("mine.txt",
           R"({"image":"a.png","conversations":[{"from":"human","value":"x"},{"from":"gpt","value":"y"}]}
{"image":"b.png","conversations":[{"from":"human","value":"x"},{"from":"gpt","value":"y"}]}
)");
  EXPECT_EQ(set.pictures.size(), 2u);
}

TEST_F(OwnSetTest, RefusesBrokenSamplesByLine) {
  const std::string good = R"({"image":{"file":"a.png"},"task":"query","turns":[{"q":"x","a":"y"}]})"
                           "\n";
  const auto second = [&](const std::string& line, ErrorCode code = ErrorCode::kCorrupt) {
    return refused("s.jsonl", good + line + "\n", code);
  };
  EXPECT_HAS(second("{\"image\":"), "s.jsonl:2: no JSON: ");
  EXPECT_HAS(second("[1]"), "s.jsonl:2: expected an object, got array");
  EXPECT_HAS(second(R"({"image":{"file":"a.png"},"task":"segment","turns":[]})"),
             "s.jsonl:2: task: expected query, caption, detect or point, got \"segment\"");
  EXPECT_HAS(second(R"({"image":{"key":"a"},"task":"query"})"),
             "s.jsonl:2: image: file: expected a string, got nothing");
  EXPECT_HAS(second(R"({"image":{"file":"a.png"},"task":"query","turns":[]})"), "s.jsonl:2: turns: expected");
  EXPECT_HAS(second(R"({"image":{"file":"a.png"},"task":"query","turns":[{"q":" ","a":"y"}]})"),
             "turns 1: q: expected text");
  EXPECT_HAS(
      second(
          R"({"image":{"file":"a.png"},"task":"detect","turns":[{"q":"x"}],"regions":[{"box":[0.1,0.2,0.1,0.4]}]})"),
      "regions 1: box: expected x_min < x_max");
  EXPECT_HAS(
      second(
          R"({"image":{"file":"a.png"},"task":"detect","turns":[{"q":"x"}],"regions":[{"box":[30,40,50,60]}]})"),
      "regions 1: box: expected numbers of 0 to 1");
  EXPECT_HAS(second(R"({"image":{"file":"a.png"},"task":"caption","turns":[{"a":"y","style":"loud"}]})"),
             "style: expected");
  EXPECT_HAS(second(R"({"image":{"file":"a.png"},"task":"detect","turns":[],"regions":[]})"),
             "turns: expected what is looked for");
  EXPECT_HAS(second(R"({"image":{"file":"a.png"},"task":"point","turns":[{"q":"dog"},{"q":"cat"}]})"),
             "s.jsonl:2: turns: expected one beside regions, got 2");
  EXPECT_HAS(
      second(
          R"({"image":{"file":"a.png"},"task":"detect","regions":[{"label":"dog","box":[0,0,0.5,1]},{"label":"cat","box":[0,0,1,1]}]})"),
      "s.jsonl:2: regions 2: label: expected 'dog' as the first one's, got 'cat'");
  EXPECT_HAS(second(R"({"v":2,"image":{"file":"a.png"}})", ErrorCode::kUnsupported),
             "form 2, this build reads 1");
  EXPECT_HAS(second(R"({"image":{"file":"no.png"},"task":"query"})", ErrorCode::kNotFound),
             "s.jsonl:2: no picture ");
  EXPECT_HAS(refused("s.jsonl",
                     R"({"image":{"file":"a.png","w":4,"h":4},"task":"query","turns":[{"q":"x","a":"y"}]})"
                     "\n"
                     R"({"image":{"file":"a.png","w":5,"h":4},"task":"query","turns":[{"q":"x","a":"y"}]})",
                     ErrorCode::kCorrupt),
             "s.jsonl:2: 5x4 pixels, but ");
}

// ------------------------------------------------------------------------------------------------- in all

TEST_F(OwnSetTest, PicturesLieWhereTheFolderSays) {
  const OwnSet set = read("mine.json", R"([{"image": "c.png", "conversations": [
    {"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}])",
                          folder_ / "pictures");
  EXPECT_EQ(set.pictures.at(0).path, folder_ / "pictures/c.png");
}

TEST_F(OwnSetTest, FilesOfSeveralShapesMakeOneSet) {
  folder_.put("c.json", kCoco);
  folder_.put("s.jsonl", R"({"image":{"file":"a.png"},"task":"query","turns":[{"q":"x","a":"y"}]})");
  const OwnSet set = read_own_set({{folder_ / "c.json", ""}, {folder_ / "s.jsonl", ""}}, {.absent = 0});
  ASSERT_EQ(set.pictures.size(), 1u);  // of b.png nothing is asked
  EXPECT_EQ(set.pictures[0].questions.size(), 3u);
}

TEST_F(OwnSetTest, APictureOfTwoFilesIsOneAndAsStoredWhereOneHasBoxes) {
  folder_.put("l.json", R"([{"image": "a.png", "conversations": [
    {"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]}])");
  folder_.put("c.json", kCoco);
  for (const bool boxes_first : {true, false}) {
    std::vector<OwnFile> files = {{folder_ / "l.json", ""}, {folder_ / "c.json", ""}};
    if (boxes_first) std::swap(files[0], files[1]);
    const OwnSet set = read_own_set(files, {.absent = 0});
    ASSERT_EQ(set.pictures.size(), 1u);
    EXPECT_FALSE(set.pictures[0].upright);
    EXPECT_EQ(set.pictures[0].questions.size(), 3u);
  }
}

TEST_F(OwnSetTest, RefusesWhatIsNoSetOfQuestions) {
  const ErrorCode corrupt = ErrorCode::kCorrupt, invalid = ErrorCode::kInvalidArgument;
  EXPECT_HAS(refused("e.json", "", invalid), "the file is empty");
  EXPECT_HAS(refused("e.json", "[]", invalid), "no picture in it");
  EXPECT_HAS(refused("e.json", "[1, 2]", corrupt), "row 1: expected an object, got 1");
  EXPECT_HAS(refused("e.json", "[{\"image\": \"a.png\"", corrupt), "row 1: the file ends in the middle");
  EXPECT_HAS(refused("e.json", "a,b,c\n", corrupt), "expected JSON");
  EXPECT_HAS(refused("e.json", "{}", invalid), "expected COCO instances with 'images'");
  EXPECT_HAS(refused("e.json", "{\"images\": 3}", invalid), "found 'images'");
  EXPECT_HAS(refused("e.json", R"([{"conversations": []}])", invalid), "no picture in it");
  EXPECT_HAS(refused("e.json", "[{\"image\": \"\xff\xfe\"}]", corrupt), "no JSON");
  EXPECT_THROW(read_own_set({{folder_ / "nowhere.json", ""}}, {}), Error);
  EXPECT_THROW(read_own_set({{folder_.path(), ""}}, {}), Error);
}

TEST_F(OwnSetTest, AbsentThingsAreAFunctionOfTheSeed) {
  folder_.put("c.json", kCoco);
  const auto asked = [&](std::uint64_t seed) {
    std::string out;
    for (const OwnPicture& picture :
         read_own_set({{folder_ / "c.json", ""}}, {.seed = seed, .absent = 1}).pictures) {
      out += picture.questions.back().text + " ";
    }
    return out;
  };
  EXPECT_EQ(asked(1), asked(1));
  std::vector<std::string> all;
  for (std::uint64_t seed = 0; seed < 20; ++seed) all.push_back(asked(seed));
  std::sort(all.begin(), all.end());
  EXPECT_GT(std::unique(all.begin(), all.end()) - all.begin(), 1);
}

}  // namespace
}  // namespace moonbeam::train
