#include "data/scenes/atlas_build.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include "base/test_folder.h"
#include "data/scenes/atlas.h"
#include "data/scenes/svg.h"

namespace moonbeam::data {
namespace {

const LabelTable& labels() {
  static const LabelTable table = LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv");
  return table;
}

void put_package(const base::TestFolder& folder) {
  folder.put("node_modules/@iconify-json/noto/package.json", R"({"name": "@iconify-json/noto"})");
  folder.put("node_modules/@iconify-json/noto/icons.json",
             R"json({"prefix": "noto", "width": 128, "height": 128,
    "icons": {"dog": {"body": "<circle cx='64' cy='64' r='30' fill='#d02020'/>"},
              "steed": {"body": "<rect x='10' y='20' width='100' height='50' fill='#2040d0'/>"},
              "cow": {"body": "<rect"},
              "pizza": {"body": "<g/>"}},
    "aliases": {"horse": {"parent": "steed"}, "banana": {"parent": "nothing"}}})json");
}

AtlasReport build(const base::TestFolder& folder, const std::string& out) {
  return build_atlas(folder / "node_modules", out, labels(), {}, [](std::string_view, int, int) {});
}

TEST(BuildAtlas, DrawsCropsAndListsWhatItCannotDraw) {
  if (std::string why; !can_render_svg(why)) GTEST_SKIP() << why;
  const base::TestFolder folder;
  put_package(folder);
  const AtlasReport report = build(folder, folder / "atlas.tar");
  EXPECT_EQ(report.sprites, 2);
  ASSERT_EQ(report.skipped.size(), 2u);
  EXPECT_EQ(report.skipped[0].substr(0, 14), "noto/cow: SVG:");
  EXPECT_EQ(report.skipped[1], "noto/pizza: SVG: nothing to see");
  EXPECT_EQ(report.missing.size(), static_cast<std::size_t>(labels().things() - 2));

  const Atlas atlas = Atlas::load(folder.path(), labels());
  const std::span<const int> dogs = atlas.sprites(Split::kTrain, *labels().find("dog"));
  ASSERT_EQ(dogs.size(), 1u);
  EXPECT_LE(atlas.info(dogs[0]).width, 96);
  EXPECT_NEAR(atlas.info(dogs[0]).height, 95, 1);
  ASSERT_EQ(atlas.sprites(Split::kTrain, *labels().find("horse")).size(), 1u);
  EXPECT_EQ(atlas.info(atlas.sprites(Split::kTrain, *labels().find("horse"))[0]).height, 48) << "100 by 50";
}

TEST(BuildAtlas, GivesTheSameBytesTwice) {
  if (std::string why; !can_render_svg(why)) GTEST_SKIP() << why;
  const base::TestFolder folder;
  put_package(folder);
  build(folder, folder / "1.tar");
  build(folder, folder / "2.tar");
  EXPECT_EQ(folder.get("1.tar"), folder.get("2.tar"));
}

TEST(BuildAtlas, NamesThePackagesThatItLooksFor) {
  if (std::string why; !can_render_svg(why)) GTEST_SKIP() << why;
  const base::TestFolder folder;
  try {
    build(folder, folder / "atlas.tar");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(std::string(error.what()).find("@iconify-json/noto"), std::string::npos);
  }
}

TEST(BuildAtlas, SaysWhenAPackageIsBroken) {
  if (std::string why; !can_render_svg(why)) GTEST_SKIP() << why;
  const base::TestFolder folder;
  folder.put("node_modules/noto/package.json", R"({"name": "@iconify-json/noto"})");
  folder.put("node_modules/noto/icons.json", "[]");
  try {
    build(folder, folder / "atlas.tar");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  }
}

TEST(BuildPhotoAtlas, SaysWhichLineOfTheListIsWrong) {
  const base::TestFolder folder;
  folder.put("stamps.tsv", "# photographs\na.png\tdog\nb.png\tgizmo\n");
  try {
    build_photo_atlas(folder.path(), folder / "stamps.tsv", folder / "out.tar", labels(), 96);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_NE(std::string(error.what()).find("line 3"), std::string::npos);
  }
}

}  // namespace
}  // namespace moonbeam::data
