#include "data/pipeline/evidence/sheet.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "data/pipeline/evidence/pixels.h"
#include "data/pipeline/evidence/test_records.h"
#include "image/encode.h"

namespace moonbeam::pipeline {
namespace {

Sheet sheet_of(const std::vector<InputInstance>& instances) {
  return make_sheet(test_record(instances, {}).input, {});
}

TEST(Sheet, OrdersThingsBySizeAndSaysWhereTheyAre) {
  const Sheet sheet = sheet_of({test_box(1, "cup", 12, 12, 40, 40), test_box(2, "dog", 200, 200, 190, 190)});
  ASSERT_EQ(sheet.objects.size(), 2u);
  EXPECT_EQ(sheet.objects[0].id, "O1");
  EXPECT_EQ(sheet.objects[0].name, "dog");
  EXPECT_EQ(sheet.objects[0].size, "large");
  EXPECT_EQ(sheet.objects[0].place, "bottom right");
  EXPECT_EQ(sheet.objects[1].place, "top left");
  EXPECT_EQ(sheet.objects[1].size, "small");
  EXPECT_EQ(
      sheet_text(sheet),
      "O1 dog box .50 .50 .97 .97 size large pos bottom right\nO2 cup box .03 .03 .13 .13 size small pos top "
      "left\ncount cup 1\ncount dog 1\n");
}

TEST(Sheet, APersonOfFivePixelsIsNoFactAndNoAbsence) {
  const Sheet sheet = sheet_of({test_box(1, "dog", 0, 0, 200, 200), test_box(2, "person", 300, 300, 5, 5),
                                test_box(3, "dog", 300, 10, 4, 100)});
  ASSERT_EQ(sheet.objects.size(), 1u);
  EXPECT_EQ(sheet.uncertain, (std::vector<std::string>{"dog", "person"}));
  ASSERT_EQ(sheet.counts.size(), 1u);
  EXPECT_FALSE(sheet.counts[0].exact) << "a second dog may be there";
  for (const char* name : {"dog", "person"}) {
    EXPECT_EQ(std::count(sheet.exhaustive.begin(), sheet.exhaustive.end(), name), 0) << name;
  }
  EXPECT_EQ(std::count(sheet.exhaustive.begin(), sheet.exhaustive.end(), "cat"), 1);
}

TEST(Sheet, ACrowdIsNotCounted) {
  InputInstance crowd = test_box(1, "person", 0, 0, 300, 100);
  crowd.crowd = true;
  const Sheet sheet = sheet_of({crowd, test_box(2, "person", 100, 200, 50, 100)});
  EXPECT_EQ(sheet.crowds, std::vector<std::string>{"person"});
  ASSERT_EQ(sheet.counts.size(), 1u);
  EXPECT_EQ(sheet.counts[0].count, 1);
  EXPECT_FALSE(sheet.counts[0].exact);
  std::vector<InputInstance> many;
  for (int i = 0; i < 11; ++i) many.push_back(test_box(i, "cup", i * 30, 10, 25, 25));
  EXPECT_FALSE(sheet_of(many).counts[0].exact) << "more than ten";
}

TEST(Sheet, RelatesBoxes) {
  const Sheet sheet = sheet_of({test_box(1, "couch", 0, 100, 200, 200), test_box(2, "dog", 50, 150, 60, 60),
                                test_box(3, "cat", 300, 150, 50, 50)});
  std::set<std::string> said;
  for (const SheetRelation& one : sheet.relations)
    said.insert(one.subject + " " + one.predicate + " " + one.object);
  EXPECT_TRUE(said.contains("O2 inside O1"));
  EXPECT_TRUE(said.contains("O1 left of O3"));
  EXPECT_TRUE(said.contains("O2 left of O3"));
  EXPECT_TRUE(said.contains("O3 nearest O1") || said.contains("O3 nearest O2"));
  EXPECT_FALSE(said.contains("O1 above O3"));
}

TEST(Sheet, SaysAbsenceOnlyWhereTheSourceListsAll) {
  Record record = test_record({test_box(1, "dog", 0, 0, 200, 200)}, {});
  record.input.things.clear();
  record.input.negatives = {"cat", "dog"};
  EXPECT_EQ(make_sheet(record.input, {}).exhaustive, std::vector<std::string>{"cat"});
  EXPECT_FALSE(make_sheet(record.input, {}).counts.at(0).exact) << "nobody says that these are all dogs";
}

TEST(Sheet, BoxesThatLeaveThePictureAreCut) {
  const Sheet sheet =
      sheet_of({test_box(1, "dog", -50, 300, 200, 200), test_box(2, "cat", 500, 500, 90, 90)});
  ASSERT_EQ(sheet.objects.size(), 1u);
  EXPECT_EQ(sheet.objects[0].box, (Box{0, .75, .375, 1}));
}

Image filled(int side, std::array<std::uint8_t, 3> colour) {
  Image image{side, side, {}};
  for (int i = 0; i < side * side; ++i) image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  return image;
}

void paint(Image& image, int left, int top, int right, int bottom, std::array<std::uint8_t, 3> colour) {
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        image.pixels[(static_cast<std::size_t>(y) * image.width + x) * 3 + c] = colour[c];
      }
    }
  }
}

TEST(Pixels, TheColourOfACrossIsNotThatOfWhatIsRoundIt) {
  Image image = filled(100, {40, 160, 60});
  paint(image, 45, 30, 55, 70, {220, 20, 20});
  paint(image, 30, 45, 70, 55, {220, 20, 20});
  const BoxColours colours = colours_in(image, {.3, .3, .7, .7});
  EXPECT_EQ(colours.main, "red");
  EXPECT_EQ(colours.some, std::vector<std::string>{"red"});
}

TEST(Pixels, TwoColoursAreNoneClearly) {
  Image image = filled(100, {250, 250, 250});
  paint(image, 30, 30, 50, 70, {220, 20, 20});
  paint(image, 50, 30, 70, 70, {20, 40, 220});
  const BoxColours colours = colours_in(image, {.3, .3, .7, .7});
  EXPECT_EQ(colours.main, "");
  EXPECT_EQ(colours.some, (std::vector<std::string>{"blue", "red"}));
  EXPECT_EQ(colours_in(image, {.1, .1, .11, .11}).main, "");
}

TEST(S1, NumbersTheTextsAndLooksAtThePicture) {
  const base::TestFolder folder;
  Image image = filled(400, {250, 250, 250});
  paint(image, 100, 100, 200, 200, {220, 20, 20});
  std::string bytes;
  image::encode_jpeg(image, 90, "test", [&](std::string_view piece) { bytes += piece; });
  folder.put("none.jpg", bytes);
  Record record =
      test_record({test_box(1, "star", 100, 100, 100, 100)}, {" A red\n star. ", "", "Star"}, {"A star"});
  record.input.texts.push_back({.kind = "ocr", .text = "STOP"});
  Context context = test_context();
  context.pictures = folder.path();
  base::KeySection keys = no_keys();
  EXPECT_TRUE(make_s1(keys)->step(record, 0, {}, context).empty());
  EXPECT_EQ(record.sheet.objects[0].colour, "red");
  std::string ids;
  for (const Source& one : record.sources) ids += one.id + " " + one.text + "|";
  EXPECT_EQ(ids, "N1 A star|K1 A red star.|K2 Star|T1 STOP|");
}

}  // namespace
}  // namespace moonbeam::pipeline
