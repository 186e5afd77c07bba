#include "data/scenes/atlas.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <string>

#include "base/test_folder.h"
#include "data/formats/tar.h"
#include "data/scenes/sprite_file.h"

namespace moonbeam::data {
namespace {

const LabelTable& labels() {
  static const LabelTable table = LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv");
  return table;
}

TEST(Atlas, HasDrawingsOfEveryThing) {
  const Atlas atlas = Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels());
  for (int id = labels().shapes(); id < labels().sign(); ++id) {
    EXPECT_GE(atlas.sprites(Split::kTrain, id).size(), id < labels().shapes() + 100 ? 3u : 1u)
        << labels()[id].noun;
  }
}

TEST(Atlas, HoldsOnlyPermissiveDrawings) {
  const Atlas atlas = Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels());
  for (int id = 0; id < labels().size(); ++id) {
    for (const int sprite : atlas.sprites(Split::kTrain, id)) EXPECT_EQ(atlas.info(sprite).tier, 'a');
  }
}

TEST(Atlas, DecodesEachDrawingAtTheSizeOfItsRow) {
  const Atlas atlas = Atlas::load(MOONBEAM_SOURCE_DIR "/data", labels());
  for (int sprite = 0; sprite < atlas.size(); ++sprite) {
    EXPECT_EQ(atlas.sprite(sprite).width(), atlas.info(sprite).width);
    EXPECT_EQ(atlas.sprite(sprite).height(), atlas.info(sprite).height);
  }
}

TEST(Atlas, NamesTheCommandThatFetchesDrawingsWithAttribution) {
  const base::TestFolder folder;
  std::filesystem::copy_file(MOONBEAM_SOURCE_DIR "/data/atlas.tar", folder / "atlas.tar");
  try {
    Atlas::load(folder.path(), labels(), true);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(std::string(error.what()).find("tools/fetch_assets.sh by"), std::string::npos);
  }
}

Layer red_square() {
  return Layer(16, 16, make_rgba(200, 20, 20));
}

std::string atlas_bytes(const std::string& index, const std::string& png) {
  std::string bytes;
  TarWriter tar([&](std::string_view piece) { bytes += piece; });
  tar.add("index.jsonl", index);
  tar.add("noto/dog.png", png);
  tar.finish();
  return bytes;
}

const std::string kRow =
    R"({"id":"noto/dog","label":"dog","set":"noto","tier":"a","w":16,"h":16,"colours":[],"photo":false})";

/// What is said about an atlas with this content, the folder left out; decodes what there is.
std::string error_of(const std::string& bytes) {
  const base::TestFolder folder;
  folder.put("atlas.tar", bytes);
  try {
    const Atlas atlas = Atlas::load(folder.path(), labels());
    for (int sprite = 0; sprite < atlas.size(); ++sprite) atlas.sprite(sprite);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
    const std::string what = error.what();
    return what.substr(what.find("atlas.tar"));
  }
  return "";
}

TEST(Atlas, SaysWhatIsWrongWithABrokenOne) {
  const std::string png = write_sprite(red_square());
  const std::string good = atlas_bytes(kRow + "\n", png);
  EXPECT_EQ(error_of(good), "");
  EXPECT_EQ(error_of(""), "atlas.tar: the archive is cut off after 0 files");
  EXPECT_EQ(error_of(good.substr(0, 700)), "atlas.tar: the archive is cut off after 1 files");
  EXPECT_EQ(error_of(good.substr(0, 600)), "atlas.tar: the archive is cut off after 0 files");
  EXPECT_EQ(error_of("no archive" + good), "atlas.tar: byte 0: expected a tar header");
  EXPECT_EQ(error_of(atlas_bytes("{\n", png)), "atlas.tar: index.jsonl: line 1: expected a JSON object");
  EXPECT_EQ(error_of(atlas_bytes(R"({"id":"noto/dog"})", png)),
            "atlas.tar: index.jsonl: line 1: expected a text 'set'");
  EXPECT_EQ(
      error_of(atlas_bytes(R"({"id":"noto/dog","label":"dog","set":"noto","tier":"a","w":0,"h":16})", png)),
      "atlas.tar: index.jsonl: line 1: expected 'w' from 1 to 1024");
  EXPECT_EQ(
      error_of(atlas_bytes(R"({"id":"noto/cat","label":"cat","set":"noto","tier":"a","w":16,"h":16})", png)),
      "atlas.tar: index.jsonl: line 1: no member 'noto/cat.png'");
  EXPECT_EQ(
      error_of(atlas_bytes(R"({"id":"noto/dog","label":"dog","set":"noto","tier":"a","w":15,"h":16})", png)),
      "atlas.tar: noto/dog.png: expected 15x16, got 16x16");
  EXPECT_EQ(error_of(atlas_bytes(kRow, png.substr(0, 60))).substr(0, 29), "atlas.tar: noto/dog.png: PNG:");
}

TEST(Atlas, LeavesOutWhatTheTableDoesNotKnow) {
  const base::TestFolder folder;
  folder.put("atlas.tar",
             atlas_bytes(R"({"id":"noto/dog","label":"dog","set":"noto","tier":"a","w":16,"h":16})"
                         "\n"
                         R"({"id":"noto/gizmo","label":"gizmo","set":"noto","tier":"a","w":16,"h":16})",
                         write_sprite(red_square())));
  EXPECT_THROW(Atlas::load(folder.path(), labels()), Error);  // the member is missing, and that is said first
  folder.put("atlas.tar", atlas_bytes(kRow, write_sprite(red_square())));
  const Atlas atlas = Atlas::load(folder.path(), labels());
  EXPECT_EQ(atlas.sprites(Split::kTrain, *labels().find("dog")).size(), 1u);
  EXPECT_TRUE(atlas.sprites(Split::kTrain, *labels().find("cat")).empty());
  EXPECT_TRUE(atlas.sprites(Split::kValStyle, *labels().find("dog")).empty());
}

TEST(Atlas, KnowsTheHueOfPlainDrawings) {
  const base::TestFolder folder;
  folder.put("atlas.tar", atlas_bytes(kRow, write_sprite(red_square())));
  const Atlas atlas = Atlas::load(folder.path(), labels());
  ASSERT_TRUE(atlas.hue(0));
  EXPECT_LT(*atlas.hue(0), 64);
}

TEST(SpriteFile, GivesBackFewColoursAndComesCloseToMany) {
  Layer few(9, 5);
  for (std::size_t i = 0; i < few.pixels.size(); ++i)
    few.pixels[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? make_rgba(250, 10, 90) : make_rgba(10, 20, 30, 128);
  const std::string png = write_sprite(few);
  const Layer back = read_sprite(std::as_bytes(std::span(png)), "few");
  for (std::size_t i = 0; i < few.pixels.size(); ++i) {
    EXPECT_EQ(alpha(back.pixels[i]), alpha(few.pixels[i]));
    EXPECT_NEAR(red(back.pixels[i]), red(few.pixels[i]), 1);
  }
  Layer many(64, 64);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) many.row(y)[x] = make_rgba(4 * x, 4 * y, 128, 255);
  }
  const std::string large = write_sprite(many);
  const Layer close = read_sprite(std::as_bytes(std::span(large)), "many");
  double error = 0;
  for (std::size_t i = 0; i < many.pixels.size(); ++i) {
    const double d = red(close.pixels[i]) - red(many.pixels[i]);
    error += d * d;
  }
  EXPECT_LT(error / 4096, 64);
}

}  // namespace
}  // namespace moonbeam::data
