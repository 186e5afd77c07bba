#include "data/formats/llava.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

const std::string kRows = R"([{"id":"7-0","image":"coco/train2017/000000000007.jpg","conversations":[
   {"from":"human","value":"<image>\nWhat animal is this?"},{"from":"gpt","value":" A dog. "},
   {"from":"human","value":"Where is it?"},{"from":"gpt","value":"On grass."}]},
  {"id":8,"conversations":[{"from":"system","value":"Be kind."},{"from":"human","value":"Hello"},{"from":"gpt","value":"Hi"}]},
  {"id":"9","image":"b.png","conversations":[{"from":"human","value":"<image>"},{"from":"gpt","value":"A cat."}]},
  {"id":"10","image":"b.png","conversations":[{"from":"human","value":"What is it?\nAnswer with a word or phrase.\n<image>"},{"from":"gpt","value":"cat"}]}])";

std::vector<LlavaRow> rows_of(const std::string& text) {
  std::vector<LlavaRow> rows;
  ByteSource source(text, "t.json");
  Reading reading;
  read_llava(
      source, [&](const LlavaRow& row, const std::string&) { rows.push_back(row); }, reading);
  return rows;
}

const auto read_all = [](ByteSource& source, Reading& reading) {
  read_llava(
      source, [](const LlavaRow&, const std::string&) {}, reading);
};

TEST(Llava, TurnsArePairsWithoutTheMarkOfThePicture) {
  const std::vector<LlavaRow> rows = rows_of(kRows);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].picture, "coco/train2017/000000000007.jpg");
  ASSERT_EQ(rows[0].turns.size(), 2u);
  EXPECT_EQ(rows[0].turns[0].question, "What animal is this?");
  EXPECT_EQ(rows[0].turns[0].answer, "A dog.");
  EXPECT_EQ(rows[0].turns[1].where, "t.json: row 1: conversations 3");
  EXPECT_EQ(rows[1].id, "8");
  EXPECT_FALSE(rows[1].picture);
  EXPECT_EQ(rows[1].turns.at(0).question, "Hello");
  EXPECT_EQ(rows[2].turns.at(0).question, "");
  EXPECT_EQ(rows[3].turns.at(0).question, "What is it?\nAnswer with a word or phrase.");
}

TEST(Llava, BecomeCanonicalSamples) {
  const std::vector<LlavaRow> rows = rows_of(kRows);
  const CanonicalSample query = canonical_of(rows[0]), caption = canonical_of(rows[2]),
                        brief = canonical_of(rows[3]);
  EXPECT_EQ(query.task, "query");
  EXPECT_EQ(query.turns.size(), 2u);
  EXPECT_EQ(query.turns[1].style, "sentence");
  EXPECT_EQ(caption.task, "caption");
  EXPECT_EQ(caption.turns.at(0).answer, "A cat.");
  EXPECT_EQ(brief.turns.at(0).style, "short");
}

TEST(Llava, RefuseWhatIsWrongByRowAndTurn) {
  const auto message = [](const std::string& from, const std::string& to) {
    return error_of(replaced(kRows, from, to), read_all);
  };
  EXPECT_HAS(message("\"from\":\"gpt\"", "\"from\":\"human\""),
             "row 1: conversations 2: from: expected gpt, got \"human\"");
  EXPECT_HAS(message("\"from\":\"gpt\"", "\"from\":\"robot\""), "from: expected human or gpt, got \"robot\"");
  EXPECT_HAS(message("Where is it?", "<image>Where is it?"),
             "conversations 3: expected <image> once and in the first turn");
  EXPECT_HAS(message("<image>\\nWhat", "<image><image>What"), "conversations 1: expected <image> once");
  EXPECT_HAS(message(" A dog. ", "  "), "conversations 2: expected text, got an empty one");
  EXPECT_HAS(message(",{\"from\":\"gpt\",\"value\":\"Hi\"}", ""),
             "row 2: conversations: expected an answer at the end");
  EXPECT_HAS(message("coco/train2017/000000000007.jpg", ""), "image: expected the name of a file");
  EXPECT_HAS(message("\"value\":\"Hi\"", "\"value\":5"), "value: expected a string, got 5");
  EXPECT_EQ(counts_of(replaced(kRows, " A dog. ", ""), read_all).records, 3u);
}

TEST(Llava, WhatIsWrittenIsReadAndHasTheSameBytesAgain) {
  const base::TestFolder folder;
  const std::vector<LlavaRow> rows = rows_of(kRows);
  const auto write = [&](const std::string& name) {
    LlavaWriter writer(folder / name);
    for (const LlavaRow& row : rows) writer.add(row);
    EXPECT_TRUE(folder.get(name).empty());
    writer.commit();
    return folder.get(name);
  };
  const std::string text = write("a.json");
  EXPECT_EQ(text, write("b.json"));
  EXPECT_EQ(text.substr(0, text.find("\n", 3)),
            "[\n{\"id\":\"7-0\",\"image\":\"coco/train2017/"
            "000000000007.jpg\",\"conversations\":[{\"from\":\"human\","
            "\"value\":\"<image>\\nWhat animal is this?\"},{\"from\":\"gpt\",\"value\":\"A "
            "dog.\"},{\"from\":\"human\","
            "\"value\":\"Where is it?\"},{\"from\":\"gpt\",\"value\":\"On grass.\"}]},");
  const std::vector<LlavaRow> again = rows_of(text);
  ASSERT_EQ(again.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(again[i].picture, rows[i].picture);
    EXPECT_EQ(again[i].turns.back().question, rows[i].turns.back().question);
  }
}

TEST(Llava, AnAbandonedFileLeavesNothing) {
  const base::TestFolder folder;
  {
    LlavaWriter writer(folder / "a.json");
    writer.add(rows_of(kRows)[0]);
    EXPECT_THROW(writer.add({}), Error);
    EXPECT_THROW(writer.add({"x", std::nullopt, {{"\xff", "y", ""}}}), Error);
  }
  EXPECT_TRUE(folder.names().empty());
  LlavaWriter none(folder / "none.json");
  none.commit();
  EXPECT_EQ(folder.get("none.json"), "[]\n");
}

TEST(Llava, AFullDiskIsAnErrorThatNamesTheFile) {
  try {
    LlavaWriter writer("/dev/full");
    writer.add(rows_of(kRows)[0]);
    writer.commit();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kExhausted);
    EXPECT_HAS(std::string(error.what()), "/dev/full");
  }
}

}  // namespace
}  // namespace moonbeam::data
