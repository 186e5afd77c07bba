// COCO's files with everything that people's files have: gaps in ids, crowds, masks of three forms,
// annotations before their pictures; and everything that can be wrong with them.
#include "data/formats/coco.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/formats/coco_join.h"
#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

const std::string kInstances = R"({"info":{"year":2026,"version":"1","description":"toy"},
 "licenses":[{"id":1,"name":"toy","url":""}],
 "images":[{"id":7,"file_name":"000000000007.jpg","width":320,"height":240,"license":1},
           {"id":-3,"file_name":"b.png","width":10,"height":20}],
 "categories":[{"id":1,"name":"person","supercategory":"person"},{"id":18,"name":" dog","supercategory":"animal"}],
 "annotations":[
  {"id":501,"image_id":7,"category_id":18,"bbox":[30.5,100.0,80.0,60.25],"area":4820.0,"iscrowd":0,
   "segmentation":[[30.5,100,110.5,100,110.5,160.25,30.5,160.25]]},
  {"id":502,"image_id":7,"category_id":1,"bbox":[150,20,2,60],"area":120,"iscrowd":1,
   "segmentation":{"size":[240,320],"counts":[36020,60,180,60,40480]}},
  {"id":9007199254740993,"image_id":-3,"category_id":1,"bbox":[-2,1,0,4],"segmentation":[]},
  {"id":504,"image_id":7,"category_id":18,"bbox":[0,0,1,1],"segmentation":{"size":[4,5],"counts":"5220003"}}]})";

const auto read_all = [](ByteSource& source, Reading& reading) {
  CocoUse use;
  use.picture = [](const CocoPicture&, const RecordPlace&) {};
  use.category = [](const CocoCategory&, const RecordPlace&) {};
  use.instance = [](const CocoInstance&, const RecordPlace&) {};
  read_coco_instances(source, use, reading);
};

TEST(CocoInstances, AreReadWithMasksOfEveryForm) {
  std::vector<CocoInstance> seen;
  std::vector<CocoPicture> pictures;
  std::vector<CocoCategory> categories;
  CocoUse use;
  use.picture = [&](const CocoPicture& one, const RecordPlace&) { pictures.push_back(one); };
  use.category = [&](const CocoCategory& one, const RecordPlace&) { categories.push_back(one); };
  use.instance = [&](const CocoInstance& one, const RecordPlace& place) {
    seen.push_back(one);
    EXPECT_EQ(place.where, "t.json: annotation " + std::to_string(seen.size()));
  };
  ByteSource source(kInstances, "t.json");
  Reading reading;
  read_coco_instances(source, use, reading);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_EQ(pictures[0].file, "000000000007.jpg");
  EXPECT_EQ(pictures[1].id, -3);
  ASSERT_EQ(categories.size(), 2u);
  EXPECT_EQ(categories[1].name, "dog");
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0].box, (XywhBox{30.5, 100, 80, 60.25}));
  EXPECT_EQ(seen[0].area, 4820);  // of the mask, not of the box
  EXPECT_EQ(std::get<CocoPolygons>(seen[0].mask).at(0).size(), 8u);
  EXPECT_NEAR(static_cast<double>(mask_area(mask_of(seen[0].mask, 240, 320))), 4800, 60);
  EXPECT_TRUE(seen[1].crowd);
  const RunMask& crowd = std::get<RunMask>(seen[1].mask);
  EXPECT_EQ(mask_area(crowd), 120u);
  EXPECT_EQ(mask_box(crowd), (XywhBox{150, 20, 2, 60}));
  EXPECT_EQ(seen[2].id, 9007199254740993);  // more than a double holds
  EXPECT_FALSE(seen[2].area);
  EXPECT_EQ(seen[2].mask.index(), 0u);
  EXPECT_EQ(mask_area(std::get<RunMask>(seen[3].mask)), 6u);
}

TEST(CocoInstances, CountWhatTheyDoNotKnowAndWhatIsNotThere) {
  const ReadCounts counts = counts_of(kInstances, read_all);
  EXPECT_EQ(counts.records, 8u);
  EXPECT_EQ(counts.unknown_keys, (std::map<std::string, std::uint64_t, std::less<>>{{"image.license", 1}}));
  EXPECT_EQ(counts.absent_keys, (std::map<std::string, std::uint64_t, std::less<>>{
                                    {"annotation.area", 2}, {"annotation.iscrowd", 2}}));
}

TEST(CocoInstances, FederatedPicturesNameWhatTheyWereSearchedFor) {
  const std::string text = R"({"images":[{"id":1,"width":10,"height":10,"neg_category_ids":[2,9],
    "not_exhaustive_category_ids":[3],"coco_url":"http://x.org/coco/val2017/1.jpg"},
    {"id":2,"file_name":"2.jpg","width":10,"height":10}, {"id":3,"file_name":"3.jpg","width":10,"height":10,
    "neg_category_ids":["cat"]}],"annotations":[],"categories":[]})";
  ByteSource source(text, "lvis.json");
  std::vector<CocoPicture> pictures;
  CocoUse use;
  use.picture = [&](const CocoPicture& one, const RecordPlace&) { pictures.push_back(one); };
  Reading reading{Reading::Bad::kCount};
  read_coco_instances(source, use, reading);
  ASSERT_EQ(pictures.size(), 2u) << "the third has no ids";
  EXPECT_EQ(pictures[0].file, "val2017/1.jpg");
  EXPECT_TRUE(pictures[0].federated);
  EXPECT_EQ(pictures[0].negatives, (std::vector<std::int64_t>{2, 9}));
  EXPECT_EQ(pictures[0].not_exhaustive, std::vector<std::int64_t>{3});
  EXPECT_FALSE(pictures[1].federated);
}

TEST(CocoInstances, MasksCanBePassedOver) {
  CocoUse use;
  use.masks = false;
  use.instance = [](const CocoInstance& one, const RecordPlace&) { EXPECT_EQ(one.mask.index(), 0u); };
  const std::string text = replaced(kInstances, "\"5220003\"", "{\"nonsense\":[]}");
  ByteSource source(text, "t.json");
  Reading reading;
  read_coco_instances(source, use, reading);
  EXPECT_EQ(reading.counts.records, 8u);
}

struct Wrong {
  std::string from, to, message;
  Reason reason;
};

TEST(CocoInstances, EachWrongMemberIsRefusedByItsRecord) {
  const Wrong wrongs[] = {
      {"\"image_id\":7,\"category_id\":18", "\"category_id\":18",
       "annotation 1: image_id: expected a whole number, got nothing (id 501, line 7, byte ",
       Reason::kMissingKey},
      {"\"image_id\":7", "\"image_id\":\"7\"", "image_id: expected a whole number, got \"7\"",
       Reason::kBadValue},
      {"\"id\":501", "\"id\":123456789012345678901", "id: expected a whole number", Reason::kBadValue},
      {"[30.5,100.0,80.0,60.25]", "[30.5,100.0,-80.0,60.25]",
       "bbox: expected x, y, a width and a height in pixels, got [30.5,100.0,-80.0,60.25]", Reason::kBadBox},
      {"[30.5,100.0,80.0,60.25]", "[30.5,100.0,80.0]", "bbox: expected x, y", Reason::kBadBox},
      {"[30.5,100.0,80.0,60.25]", "[30.5,null,80.0,60.25]", "bbox: expected x, y", Reason::kBadBox},
      {"[30.5,100.0,80.0,60.25]", "[30.5,1e300,80.0,60.25]", "bbox: expected x, y", Reason::kBadBox},
      {"[30.5,100.0,80.0,60.25]", "\"30 100 80 60\"", "bbox: expected x, y", Reason::kBadBox},
      {"\"area\":4820.0", "\"area\":-1", "area: expected a number of pixels, got -1", Reason::kBadValue},
      {"\"iscrowd\":0", "\"iscrowd\":5", "iscrowd: expected a whole number of 0 to 1, got 5",
       Reason::kBadValue},
      {"[[30.5,100,110.5,100,110.5,160.25,30.5,160.25]]", "[30.5,100,110.5,100,110.5,160.25]",
       "segmentation: expected a list of rings", Reason::kBadMask},
      {"[[30.5,100,110.5,100,110.5,160.25,30.5,160.25]]", "[[30.5,100,110.5,100]]",
       "rings of three corners or more, got 4 numbers", Reason::kBadMask},
      {"[[30.5,100,110.5,100,110.5,160.25,30.5,160.25]]", "[[30.5,100,110.5,100,110.5,1e30]]",
       "segmentation: expected a coordinate, got 1e+30", Reason::kBadMask},
      {"[[30.5,100,110.5,100,110.5,160.25,30.5,160.25]]", "\"x\"",
       "segmentation: expected outlines or runs, got \"x\"", Reason::kBadMask},
      {"[36020,60,180,60,40480]", "[36020,60,180,60,40481]",
       "segmentation: mask: expected runs of 76800 pixels together, got 76801", Reason::kBadMask},
      {"[36020,60,180,60,40480]", "[36020,-60,180,60,40480]",
       "segmentation: expected counts of pixels, got -60", Reason::kBadMask},
      {"\"size\":[240,320]", "\"size\":[240]", "'size' of a height and a width", Reason::kBadMask},
      {"\"size\":[240,320]", "\"size\":[-240,-320]", "expected sides of 1 to 65535", Reason::kBadMask},
      {"\"5220003\"", "\"52200 3\"", "segmentation: run lengths: broken at 5", Reason::kBadMask},
      {"\"width\":320", "\"width\":0", "image 1: width: expected a whole number of 1 to 65535, got 0 (id 7, ",
       Reason::kBadValue},
      {"\"height\":240", "\"height\":1000000", "height: expected a whole number of 1 to 65535",
       Reason::kBadValue},
      {"000000000007.jpg", "", "file_name: expected the name of a file", Reason::kBadValue},
      {"\"name\":\"person\"", "\"name\":\" \"", "category 1: name: expected a name", Reason::kBadValue},
  };
  for (const Wrong& wrong : wrongs) {
    const std::string text = replaced(kInstances, wrong.from, wrong.to);
    ErrorCode code{};
    EXPECT_HAS(error_of(text, read_all, &code), wrong.message);
    EXPECT_EQ(code, ErrorCode::kCorrupt);
    const ReadCounts counts = counts_of(text, read_all);
    EXPECT_EQ(counts.records, 7u);
    EXPECT_EQ(counts.of(wrong.reason), 1u) << wrong.message << " " << counts.examples.at(0);
  }
}

TEST(CocoCaptions, AreFreedOfTheirWhiteSpace) {
  std::vector<std::string> texts;
  CocoUse use;
  use.caption = [&](const CocoCaption& one, const RecordPlace&) { texts.push_back(one.text); };
  const std::string text =
      R"({"images":[],"annotations":[{"id":9001,"image_id":7,"caption":" A brown dog\n stands  on grass. \n"},
      {"image_id":7,"caption":"  "}]})";
  ByteSource source(text, "t.json");
  Reading reading(Reading::Bad::kCount);
  read_coco_captions(source, use, reading);
  EXPECT_EQ(texts, std::vector<std::string>{"A brown dog stands on grass."});
  EXPECT_EQ(reading.counts.of(Reason::kBadValue), 1u);
}

TEST(CocoPanoptic, SegmentsAreReadAndIdsAreThoseOfPixels) {
  const std::string text =
      R"({"images":[],"categories":[{"id":18,"name":"dog","isthing":1,"color":[1,2,3]},{"id":119,"name":"grass","isthing":0}],
    "annotations":[{"image_id":7,"file_name":"000000000007.png","segments_info":[
      {"id":3226956,"category_id":18,"area":3100,"bbox":[30,100,80,60],"iscrowd":0},
      {"id":1,"category_id":119,"area":50,"bbox":[0,0,9,9],"iscrowd":0}]}]})";
  std::vector<CocoPanoptic> seen;
  std::vector<bool> things;
  CocoUse use;
  use.panoptic = [&](const CocoPanoptic& one, const RecordPlace&) { seen.push_back(one); };
  use.category = [&](const CocoCategory& one, const RecordPlace&) { things.push_back(one.is_thing); };
  ByteSource source(text, "t.json");
  Reading reading;
  read_coco_panoptic(source, use, reading);
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_EQ(seen[0].segments.size(), 2u);
  EXPECT_EQ(seen[0].file, "000000000007.png");
  EXPECT_EQ(seen[0].segments[0].id, panoptic_id(0x4c, 0x3d, 0x31));
  EXPECT_EQ(things, (std::vector<bool>{true, false}));
  const auto read = [&](ByteSource& again, Reading& counting) { read_coco_panoptic(again, use, counting); };
  EXPECT_HAS(error_of(replaced(text, "\"id\":1,", "\"id\":3226956,"), read),
             "annotation 1: segments_info 2: id: expected one that no other segment has");
  EXPECT_HAS(error_of(replaced(text, "\"id\":1,", "\"id\":16777216,"), read),
             "a whole number of 1 to 16777215");
}

TEST(CocoThings, HaveGapsInTheirIds) {
  int things = 0;
  for (int id = -1; id < 120; ++id) things += !coco_thing(id).empty();
  EXPECT_EQ(things, 80);
  EXPECT_EQ(coco_thing(18), "dog");
  EXPECT_EQ(coco_thing(90), "toothbrush");
  for (const int gap : {0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91}) EXPECT_EQ(coco_thing(gap), "") << gap;
}

// ------------------------------------------------------------------------------------------------- joining

class CocoJoin : public ::testing::Test {
 protected:
  std::vector<CocoGroup> join(const CocoFiles& files, std::size_t memory = 1 << 20) {
    CocoJoinOptions options;
    options.spill = {memory, folder_.path()};
    options.most_of_picture = 20'000;
    std::vector<CocoGroup> groups;
    join_coco(
        files, options, [&](const CocoGroup& group, const CocoCategories&) { groups.push_back(group); },
        reading_);
    return groups;
  }
  std::string put(const std::string& name, const std::string& text) {
    folder_.put(name, text);
    return folder_ / name;
  }

  base::TestFolder folder_;
  Reading reading_{Reading::Bad::kCount};
};

const std::string kFront =
    R"({"images":[{"id":9,"file_name":"9.jpg","width":100,"height":50},{"id":7,"file_name":"7.jpg","width":320,"height":240}],)";

TEST_F(CocoJoin, BringsTogetherPicturesAndWhatStandsBeforeThem) {
  const std::string instances =
      put("instances.json", R"({"annotations":[{"id":1,"image_id":9,"category_id":2,"bbox":[1,2,3,4]},
        {"id":2,"image_id":7,"category_id":2,"bbox":[5,6,7,8],"area":3.5,"iscrowd":true,"segmentation":[[1,1,4,1,4,3,1,3]]},
        {"id":3,"image_id":9,"category_id":1,"bbox":[9,9,9,9]}],"categories":[{"id":1,"name":"cat"},{"id":2,"name":"dog"}],
        "images":[{"id":9,"file_name":"9.jpg","width":100,"height":50},{"id":7,"file_name":"7.jpg","width":320,"height":240}]})");
  const std::string captions =
      put("captions.json", kFront + R"("annotations":[{"id":1,"image_id":7,"caption":"a"},
        {"id":2,"image_id":9,"caption":"b"},{"id":3,"image_id":7,"caption":"c"}]})");
  const std::string panoptic =
      put("panoptic.json", kFront + R"("annotations":[{"image_id":7,"file_name":"7.png","segments_info":[
        {"id":4,"category_id":3,"area":5,"bbox":[0,0,1,1]}]}],"categories":[{"id":3,"name":"sky","isthing":0}]})");
  for (const std::size_t memory : {std::size_t{1} << 20, std::size_t{100}}) {
    const std::vector<CocoGroup> groups = join({{instances}, {captions}, {panoptic}}, memory);
    ASSERT_EQ(groups.size(), 2u);
    EXPECT_EQ(groups[0].picture.id, 7);
    EXPECT_EQ(groups[0].picture.file, "7.jpg");
    EXPECT_HAS(groups[0].where, "instances.json: image 2");
    ASSERT_EQ(groups[0].instances.size(), 1u);
    EXPECT_EQ(groups[0].instances[0].id, 2);
    EXPECT_EQ(groups[0].instances[0].area, 3.5);
    EXPECT_TRUE(groups[0].instances[0].crowd);
    EXPECT_EQ(mask_area(mask_of(groups[0].instances[0].mask, 240, 320)), 6u);
    ASSERT_EQ(groups[0].captions.size(), 2u);
    EXPECT_EQ(groups[0].captions[1].text, "c");
    ASSERT_EQ(groups[0].panoptic.size(), 1u);
    EXPECT_EQ(groups[0].panoptic[0].segments.at(0).category, 3);
    ASSERT_EQ(groups[1].instances.size(), 2u);
    EXPECT_EQ(groups[1].instances[0].id, 1);
    EXPECT_EQ(groups[1].instances[1].box, (XywhBox{9, 9, 9, 9}));
  }
  EXPECT_EQ(reading_.counts.refused, 0u);
}

TEST_F(CocoJoin, WrongIdsAreRefusedByReason) {
  const std::string instances =
      put("instances.json",
          kFront + R"("categories":[{"id":1,"name":"cat"},{"id":1,"name":"cat"},{"id":2,"name":"dog"}],
    "annotations":[{"id":1,"image_id":9,"category_id":1,"bbox":[1,2,3,4]},
     {"id":1,"image_id":7,"category_id":1,"bbox":[1,2,3,4]},
     {"id":3,"image_id":8,"category_id":1,"bbox":[1,2,3,4]},
     {"id":4,"image_id":9,"category_id":12,"bbox":[1,2,3,4]},
     {"id":5,"image_id":9,"category_id":2,"bbox":[101,2,3,4]},
     {"id":6,"image_id":9,"category_id":2,"bbox":[1,2,3,4],"segmentation":{"size":[4,5],"counts":"5220003"}},
     {"id":7,"image_id":9,"category_id":2,"bbox":[1,2,3,4]}]})");
  const std::string captions =
      put("captions.json", R"({"images":[{"id":9,"file_name":"other.jpg","width":100,"height":50},
     {"id":7,"file_name":"7.jpg","width":320,"height":240},{"id":7,"file_name":"7.jpg","width":320,"height":240}],
    "annotations":[{"id":1,"image_id":9,"caption":"b"}]})");
  const std::vector<CocoGroup> groups = join({{instances}, {captions}, {}});
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_TRUE(groups[0].instances.empty());
  ASSERT_EQ(groups[1].instances.size(), 2u);
  EXPECT_EQ(groups[1].instances[1].id, 7);
  const ReadCounts& counts = reading_.counts;
  EXPECT_EQ(counts.of(Reason::kDuplicateId), 3u);  // a category, an annotation, a picture
  EXPECT_EQ(counts.of(Reason::kUnknownId), 2u);
  EXPECT_EQ(counts.of(Reason::kBadBox), 1u);
  EXPECT_EQ(counts.of(Reason::kBadMask), 1u);
  EXPECT_EQ(counts.of(Reason::kBadValue), 1u);  // a picture of another name
  EXPECT_EQ(counts.refused, 8u);
  EXPECT_EQ(counts.records, 2u + 2 + 2 + 1 + 1);
  EXPECT_EQ(counts.examples.size(), 8u);
  reading_ = Reading(Reading::Bad::kThrow);
  EXPECT_THROW(join({{instances}, {captions}, {}}), RecordError);
}

TEST_F(CocoJoin, APictureWithTooMuchIsRefusedAndOthersAreNot) {
  std::string annotations;
  for (int i = 0; i < 1000; ++i) {
    annotations += (i > 0 ? "," : "") + std::string(R"({"image_id":)") + (i == 0 ? "7" : "9") +
                   R"(,"category_id":1,"bbox":[1,2,3,4]})";
  }
  const std::string instances =
      put("i.json", kFront + R"("categories":[{"id":1,"name":"cat"}],"annotations":[)" + annotations + "]}");
  const std::vector<CocoGroup> groups = join({{instances}, {}, {}}, 5000);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].picture.id, 7);
  EXPECT_EQ(reading_.counts.of(Reason::kTooLarge), 1u);
}

TEST_F(CocoJoin, WhatTheCallerRefusesIsCounted) {
  const std::string instances = put("i.json", kFront + R"("categories":[],"annotations":[]})");
  join_coco(
      {{instances}, {}, {}}, {},
      [&](const CocoGroup& group, const CocoCategories&) {
        if (group.picture.id == 9) throw RecordError(Reason::kMissingImage, group.where + ": no such file");
      },
      reading_);
  EXPECT_EQ(reading_.counts.of(Reason::kMissingImage), 1u);
  EXPECT_EQ(reading_.counts.records, 1u);
}

}  // namespace
}  // namespace moonbeam::data
