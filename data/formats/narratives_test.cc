#include "data/formats/narratives.h"

#include <gtest/gtest.h>

#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

const std::string kLine =
    R"({"dataset_id":"mscoco_train2017","image_id":"7","annotator_id":12,"caption":"In this image we can see a dog on the grass. ",)"
    R"("timed_caption":[{"utterance":"In this image we can see","start_time":0.0,"end_time":1.3},{"utterance":"a dog","start_time":1.3,"end_time":2.1}],)"
    R"("traces":[[{"x":0.21,"y":0.55,"t":0.02},{"x":0.24,"y":0.56,"t":0.05}],[{"x":0.61,"y":-0.03,"t":3.4}],[]],)"
    R"("voice_recording":"coco_train/coco_train_7_12.ogg"})"
    "\n";

const auto read_all = [](ByteSource& source, Reading& reading) {
  read_narratives(
      source, [](const Narrative&, std::uint64_t) {}, reading);
};

TEST(Narratives, AreReadWithWordsAndTraces) {
  std::vector<Narrative> seen;
  const std::string text = kLine + replaced(kLine, "\"image_id\":\"7\"", "\"image_id\":\"00a1b2\"");
  ByteSource source(text, "t.jsonl");
  Reading reading;
  read_narratives(
      source, [&](const Narrative& one, std::uint64_t) { seen.push_back(one); }, reading);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].picture, "7");
  EXPECT_EQ(seen[0].coco_picture(), 7);
  EXPECT_EQ(seen[0].caption, "In this image we can see a dog on the grass.");
  ASSERT_EQ(seen[0].words.size(), 2u);
  EXPECT_EQ(seen[0].words[1].text, "a dog");
  EXPECT_EQ(seen[0].words[1].end, 2.1);
  ASSERT_EQ(seen[0].traces.size(), 3u);
  EXPECT_EQ(seen[0].traces[0].size(), 2u);
  EXPECT_EQ(seen[0].traces[1][0].y, -0.03);  // outside the picture, as the mouse was
  EXPECT_TRUE(seen[0].traces[2].empty());
  EXPECT_EQ(seen[1].coco_picture(), std::nullopt);
}

TEST(Narratives, IdsOfPicturesHaveTheFormOfTheirDataSet) {
  const auto id = [](const std::string& text) {
    Narrative one;
    one.picture = text;
    return one.coco_picture();
  };
  EXPECT_EQ(id("0"), 0);
  EXPECT_EQ(id("581929"), 581929);
  for (const char* other :
       {"000000000007", "-7", "7.jpg", "", "99999999999999999999", "ADE_train_00000001"}) {
    EXPECT_EQ(id(other), std::nullopt) << other;
  }
}

TEST(Narratives, RefuseWhatIsWrongByLine) {
  const std::pair<std::string, std::string> wrongs[] = {
      {"\"image_id\":\"7\"", "\"image_id\":7"},
      {"\"caption\":\"In this image we can see a dog on the grass. \",", ""},
      {"\"end_time\":1.3", "\"end_time\":-1"},
      {"\"start_time\":0.0", "\"start_time\":null"},
      {"\"x\":0.21", "\"x\":1e9"},
      {"\"x\":0.21,", ""},
      {"\"t\":3.4", "\"t\":\"3.4\""},
      {"\"traces\":[[", "\"traces\":[5,["},
      {"\"x\":0.21", "\"x\":NaN"},
  };
  for (const auto& [from, to] : wrongs) {
    const std::string text = kLine + replaced(kLine, from, to) + kLine;
    EXPECT_HAS(error_of(text, read_all), "t.json:2: ");
    const ReadCounts counts = counts_of(text, read_all);
    EXPECT_EQ(counts.records, 2u) << to;
    EXPECT_EQ(counts.refused, 1u) << to;
  }
  EXPECT_HAS(error_of(replaced(kLine, "\"image_id\":\"7\"", "\"image_id\":7"), read_all),
             "t.json:1: image_id: expected a string, got 7");
}

}  // namespace
}  // namespace moonbeam::data
