#include "data/formats/coco_results.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/test_folder.h"
#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

TEST(CocoResults, HaveTheSameBytesForTheSameRows) {
  const base::TestFolder folder;
  for (const char* name : {"a.json", "b.json"}) {
    CocoResultWriter writer(folder / name);
    writer.add(CocoDetection{7, 18, {30, 100.5, 80.12345, 1e-9}, 0.1 + 0.2});
    writer.add(CocoDetection{-1, 2, {-0.0, 0, 1, 1}, 1});
    EXPECT_EQ(folder.get(name), "");
    writer.commit();
  }
  EXPECT_EQ(folder.get("a.json"),
            "[\n{\"image_id\":7,\"category_id\":18,\"bbox\":[30,100.5,80.123,0],\"score\":0.3},\n"
            "{\"image_id\":-1,\"category_id\":2,\"bbox\":[0,0,1,1],\"score\":1}\n]\n");
  EXPECT_EQ(folder.get("a.json"), folder.get("b.json"));
}

TEST(CocoResults, AreReadAgain) {
  const base::TestFolder folder;
  {
    CocoResultWriter boxes(folder / "boxes.json"), texts(folder / "texts.json"), none(folder / "none.json");
    boxes.add(CocoDetection{7, 18, {30, 100, 80, 60}, 0.91});
    texts.add(CocoCaptionResult{7, "a \"dog\" on gr\xc3\xa4ss\n"});
    for (CocoResultWriter* writer : {&boxes, &texts, &none}) writer->commit();
  }
  Reading reading;
  ByteSource boxes(folder / "boxes.json"), texts(folder / "texts.json"), none(folder / "none.json"),
      wrong(folder / "texts.json");
  read_coco_detections(
      boxes,
      [](const CocoDetection& one) {
        EXPECT_EQ(one.box, (XywhBox{30, 100, 80, 60}));
      },
      reading);
  read_coco_caption_results(
      texts, [](const CocoCaptionResult& one) { EXPECT_EQ(one.text, "a \"dog\" on gr\xc3\xa4ss\n"); },
      reading);
  read_coco_detections(
      none, [](const CocoDetection&) { ADD_FAILURE(); }, reading);
  EXPECT_EQ(reading.counts.records, 2u);
  EXPECT_THROW(read_coco_detections(
                   wrong, [](const CocoDetection&) {}, reading),
               Error);
}

TEST(CocoResults, RefuseWhatNobodyCouldRead) {
  const base::TestFolder folder;
  {
    CocoResultWriter writer(folder / "a.json");
    EXPECT_THROW(writer.add(CocoDetection{7, 1, {std::numeric_limits<double>::quiet_NaN(), 0, 1, 1}, 1}),
                 Error);
    EXPECT_THROW(writer.add(CocoDetection{7, 1, {0, 0, 1, 1}, std::numeric_limits<double>::infinity()}),
                 Error);
    EXPECT_THROW(writer.add(CocoCaptionResult{7, "\xff"}), Error);
  }
  EXPECT_TRUE(folder.names().empty());
  CocoResultWriter full("/dev/full");
  full.add(CocoCaptionResult{7, "x"});
  try {
    full.commit();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kExhausted);
  }
}

}  // namespace
}  // namespace moonbeam::data
