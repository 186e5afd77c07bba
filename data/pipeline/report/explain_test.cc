#include "data/pipeline/report/explain.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include "data/pipeline/reduce/reduce.h"
#include "data/pipeline/reduce/test_work.h"

namespace moonbeam::pipeline {
namespace {

Record told_record(int number) {
  Record record = test_record(number);
  record.sources = {{.id = "N1",
                     .kind = "narrative",
                     .raw = "we can see a dag",
                     .text = "There is a dog.",
                     .origin = "ln.jsonl#4"}};
  record.claims = {
      {.id = "C1",
       .type = "existence",
       .subject = "dog",
       .predicate = "exists",
       .quote = "a dog",
       .source = "N1",
       .thing = "O1",
       .by_source = "supported",
       .by_sheet = "supported",
       .by_code = true,
       .accepted = true,
       .request = "aa01"},
      {.id = "C2", .type = "existence", .subject = "yacht", .source = "N1", .dropped = "S4/contradicted"}};
  record.pairs = {test_pair("what:0", "What animal is shown?", "dog"),
                  test_pair("what:1", "what animal is  shown?", "dog")};
  record.pairs[0].claims = {"C1"};
  record.pairs[0].request = "bb02";
  record.pairs[0].generator = "writer@1";
  record.pairs[0].judge = 5;
  record.calls = {{.stage = "S3", .id = "k/S3/0", .request = "aa01", .outcome = "answer"},
                  {.stage = "S4", .id = "k/S4/a", .request = "cc03", .outcome = "answer", .model = "judge"},
                  {.stage = "S7", .id = "k/S7/what:0", .request = "bb02", .outcome = "answer"},
                  {.stage = "S7", .id = "k/S7/count:0", .request = "dd04", .outcome = "answer"}};
  return record;
}

TEST(Explain, TellsTheChainFromPictureToCalls) {
  const base::TestFolder folder;
  make_work(folder, {{told_record(0), told_record(1)}, {told_record(2)}});
  const WorkFolder work(folder / "work");
  const Explanation out = explain(work, "coco-2#query:what:0");
  const std::size_t order[] = {out.text.find("coco-2.jpg") == std::string::npos ? out.text.find("2.jpg") : 0,
                               out.text.find("coco-2#query:what:0"), out.text.find("claim    C1"),
                               out.text.find("source   N1"), out.text.find("call     S3")};
  for (std::size_t i = 1; i < std::size(order); ++i)
    EXPECT_LT(order[i - 1], order[i]) << i << "\n" << out.text;
  EXPECT_NE(out.text.find("source supported, sheet supported (by code), picture not asked"),
            std::string::npos);
  EXPECT_NE(out.text.find("read as \"There is a dog.\""), std::string::npos);
  EXPECT_NE(out.text.find("as far as S12"), std::string::npos);
  EXPECT_EQ(out.text.find("yacht"), std::string::npos);
  EXPECT_EQ(out.json["calls"].size(), 3u);  // those of S3 and S7 that it names, and S4's
  EXPECT_EQ(out.json["claims"][0]["by_source"], "supported");
}

TEST(Explain, SaysWhatTheReduceStepDecided) {
  const base::TestFolder folder;
  make_work(folder, {{told_record(0), told_record(1)}});
  const WorkFolder work(folder / "work");
  reduce(work, {}, {folder / "out", folder / "pictures", {"a41b", ""}}, hashed_embedder());
  EXPECT_NE(explain(work, "coco-1#query:what:0").text.find("kept"), std::string::npos);
  EXPECT_NE(explain(work, "coco-1#query:what:1").text.find("dropped: S13/exact, like coco-1#query:what:0"),
            std::string::npos);
}

TEST(Explain, ShowsAWholePictureByItsKey) {
  const base::TestFolder folder;
  make_work(folder, {{told_record(0)}});
  const Explanation out = explain(WorkFolder(folder / "work"), "coco-0");
  EXPECT_NE(out.text.find("yacht"), std::string::npos);
  EXPECT_EQ(out.json["samples"].size(), 2u);
  EXPECT_EQ(out.json["calls"].size(), 4u);
}

TEST(Explain, SaysWhatThereIsInPlaceOfWhatIsNot) {
  const base::TestFolder folder;
  make_work(folder, {{told_record(0)}});
  const WorkFolder work(folder / "work");
  EXPECT_THROW(explain(work, "coco-99"), Error);
  try {
    explain(work, "coco-0#query:what:7");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("coco-0#query:what:1"), std::string::npos);
  }
}

}  // namespace
}  // namespace moonbeam::pipeline
