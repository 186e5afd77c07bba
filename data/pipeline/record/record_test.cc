#include "data/pipeline/record/record_json.h"

#include <gtest/gtest.h>

#include <moonbeam/error.h>

namespace moonbeam::pipeline {
namespace {

Record some_record() {
  Record record;
  record.input = {.key = "coco-7", .ordinal = 3, .file = "7.jpg", .width = 320, .height = 240};
  record.input.instances.push_back({.id = 501, .name = "dog", .box = {30.5, 100, 80, 60.25}, .area = 4820});
  data::Narrative& said = record.input.narratives.emplace_back();
  said.caption = "a dog";
  said.words = {{"a dog", 0, 1}};
  said.traces = {{{.5, .5, .1}}};
  record.sheet.objects.push_back({.id = "O1", .name = "dog", .instance = 501, .box = {.1, .2, .3, .4}});
  record.claims.push_back({.id = "C1", .type = "existence", .subject = "dog", .accepted = true});
  record.claims.push_back({.id = "C2", .type = "existence", .subject = "cat", .dropped = "quote"});
  record.pairs.push_back({.id = "count:0", .type = "count", .q = "How many dogs?", .weight = .5});
  record.count("S3/quote", 2);
  return record;
}

TEST(Record, IsTheSameAfterALine) {
  const Record record = some_record();
  const std::string line = record_line(record);
  const Record again = record_of(line, "line 1");
  EXPECT_EQ(record_line(again), line);
  EXPECT_EQ(again.pairs[0].weight, .5);
  EXPECT_EQ(again.counts.at("S3/quote"), 2);
  EXPECT_EQ(again.accepted().size(), 1u);
  EXPECT_EQ(again.claim("C2")->dropped, "quote");
}

TEST(Record, LeavesTracesToTheInput) {
  const Record record = some_record();
  EXPECT_TRUE(record_of(record_line(record), "line 1").input.narratives[0].traces.empty());
  EXPECT_EQ(input_of(input_line(record.input), "line 1").narratives[0].traces[0][0].x, .5);
}

TEST(Record, NamesALineThatIsNone) {
  try {
    record_of("{\"input\": 5}", "chunk.jsonl: line 4");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_NE(std::string(error.what()).find("chunk.jsonl: line 4"), std::string::npos);
  }
}

}  // namespace
}  // namespace moonbeam::pipeline
