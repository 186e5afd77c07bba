#include "data/formats/refcoco.h"

#include <gtest/gtest.h>

#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

const std::string kLine =
    R"({"ref_id":11,"ann_id":501,"image_id":7,"category_id":18,"split":"val","file_name":"COCO_train2014_000000000007_1.jpg",)"
    R"("sentences":[{"sent_id":31,"raw":"Dog on the left","sent":"dog on the left","tokens":["dog","on","the","left"]},)"
    R"({"sent_id":32,"sent":"left dog "}],"bbox":[30.5,100.0,80.0,60.25]})"
    "\n";

const auto read_all = [](ByteSource& source, Reading& reading) {
  read_refcoco(
      source, [](const RefExpression&, std::uint64_t) {}, reading);
};

TEST(RefCoco, HasOneItemASentenceAndTheNameOfThePicture) {
  std::vector<RefExpression> seen;
  ByteSource source(kLine, "t.jsonl");
  Reading reading;
  read_refcoco(
      source, [&](const RefExpression& one, std::uint64_t) { seen.push_back(one); }, reading);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].id, 11);
  EXPECT_EQ(seen[0].annotation, 501);
  EXPECT_EQ(seen[0].file, "COCO_train2014_000000000007.jpg");
  EXPECT_EQ(seen[0].box, (XywhBox{30.5, 100, 80, 60.25}));
  ASSERT_EQ(seen[0].sentences.size(), 2u);
  EXPECT_EQ(seen[0].sentences[0].raw, "Dog on the left");
  EXPECT_EQ(seen[0].sentences[0].tokens.size(), 4u);
  EXPECT_EQ(seen[0].sentences[1].raw, "left dog");
}

TEST(RefCoco, OnlyTheSuffixOfTheExpressionIsRemoved) {
  EXPECT_EQ(without_ref_suffix("COCO_train2014_000000000007_12.jpg"), "COCO_train2014_000000000007.jpg");
  EXPECT_EQ(without_ref_suffix("00000/000000000007_1.jpg"), "00000/000000000007.jpg");
  for (const char* whole :
       {"COCO_train2014_000000000007.jpg", "000000000007.jpg", "a_1.jpg", "_1.jpg", "", "7_.jpg"}) {
    EXPECT_EQ(without_ref_suffix(whole), whole);
  }
}

TEST(RefCoco, RefusesWhatIsWrongByLine) {
  const std::pair<std::string, std::string> wrongs[] = {
      {"\"ann_id\":501", "\"ann_id\":\"501\""},
      {"\"split\":\"val\",", ""},
      {"\"sent\":\"dog on the left\"", "\"sent\":\" \""},
      {"[30.5,100.0,80.0,60.25]", "[30.5,100.0,80.0,-1]"},
      {"[\"dog\",", "[5,"},
      {"\"sent_id\":31", "\"sent_id\":1.5"},
  };
  for (const auto& [from, to] : wrongs) {
    EXPECT_HAS(error_of(kLine + replaced(kLine, from, to), read_all), "t.json:2: ");
    EXPECT_EQ(counts_of(replaced(kLine, from, to) + kLine, read_all).records, 1u) << to;
  }
}

}  // namespace
}  // namespace moonbeam::data
