#include <moonbeam/draw.h>

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <set>

#include "image/font.h"
#include "image/test_pictures.h"

namespace moonbeam {
namespace {

Image grey(int height, int width) {
  return image::testing::make_image(
      height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width) * 3, 77));
}

bool touched(const Image& image, int y, int x) {
  const std::uint8_t* p = &image.pixels[static_cast<std::size_t>(y * image.width + x) * 3];
  return p[0] != 77 || p[1] != 77 || p[2] != 77;
}

TEST(Draw, OutlinesABoxTwoPixelsWide) {
  Image image = grey(100, 200);
  const Box box{.x_min = 0.1, .y_min = 0.3, .x_max = 0.6, .y_max = 0.8};
  draw_boxes(image, std::span(&box, 1), "");
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 200; ++x) {
      const bool inside = x >= 20 && x < 120 && y >= 30 && y < 80;
      const bool core = x >= 22 && x < 118 && y >= 32 && y < 78;
      ASSERT_EQ(touched(image, y, x), inside && !core) << x << "," << y;
    }
  }
}

TEST(Draw, ClipsBoxesAndPointsToThePicture) {
  const double huge = std::numeric_limits<double>::infinity();
  const std::vector<Box> boxes = {{-0.5, -0.5, 1.5, 1.5}, {-huge, 0.2, huge, 0.5},
                                  {0.9, 0.9, 0.1, 0.1},   {std::nan(""), std::nan(""), 0.5, 0.5},
                                  {2, 2, 3, 3},           {1e300, -1e300, 1e301, 1e300}};
  const std::vector<Point> points = {{0, 0}, {1, 1}, {-3, 0.5}, {huge, -huge}, {std::nan(""), 0.5}};
  for (const auto& [height, width] : {std::pair{1, 1}, {3, 500}, {500, 3}, {12, 12}, {90, 120}, {700, 900}}) {
    Image image = grey(height, width);  // the sanitizer watches what is written
    draw_boxes(image, boxes, "a long label that does not fit the picture");
    draw_points(image, points, "a long label that does not fit the picture");
    EXPECT_TRUE(touched(image, 0, 0));
  }
}

TEST(Draw, ClosesTheOutlineAtThePicturesBorder) {
  Image image = grey(50, 50);
  const Box box{-0.2, 0.4, 1.2, 0.8};
  draw_boxes(image, std::span(&box, 1), "");
  EXPECT_TRUE(touched(image, 30, 0));
  EXPECT_TRUE(touched(image, 30, 49));
  EXPECT_FALSE(touched(image, 30, 25));
}

TEST(Draw, PutsTheLabelAboveTheBoxOrInsideIt) {
  Image image = grey(100, 100);
  Box box{0.2, 0.5, 0.9, 0.9};
  draw_boxes(image, std::span(&box, 1), "dog");
  EXPECT_TRUE(touched(image, 45, 22));
  image = grey(100, 100);
  box.y_min = 0.05;
  draw_boxes(image, std::span(&box, 1), "dog");
  EXPECT_TRUE(touched(image, 8, 24));
  EXPECT_FALSE(touched(image, 2, 22));
}

TEST(Draw, PutsALabelToTheLeftOfAPointThatHasNoRoomToItsRight) {
  Image image = grey(60, 60);
  const Point point{58 / 60.0, 58 / 60.0};
  draw_points(image, std::span(&point, 1), "cat");
  // The dot reaches 7 pixels to the left; then one free, then 3 glyphs of 6 and one more pixel. The plate is
  // 11 pixels high and moved up until it ends at the border.
  EXPECT_TRUE(touched(image, 49, 50 - 19));
  EXPECT_TRUE(touched(image, 59, 50 - 1));
  EXPECT_FALSE(touched(image, 59, 50));
  EXPECT_FALSE(touched(image, 59, 50 - 20));
  EXPECT_FALSE(touched(image, 48, 50 - 19));
}

TEST(Draw, RingsThePoint) {
  Image image = grey(80, 80);
  const Point point{0.5, 0.5};
  draw_points(image, std::span(&point, 1), "");
  const auto at = [&](int x) { return image.pixels[static_cast<std::size_t>(40 * 80 + x) * 3]; };
  EXPECT_EQ(at(45), 230);  // the first colour's red
  EXPECT_EQ(at(46), 255);  // white ring
  EXPECT_EQ(at(47), 0);    // black round it
  EXPECT_EQ(at(48), 77);
}

TEST(Draw, GivesTwelveObjectsTwelveColours) {
  Image image = grey(20, 260);
  std::vector<Box> boxes;
  for (int i = 0; i < 12; ++i) boxes.push_back({i * 20 / 260.0, 0, (i * 20 + 10) / 260.0, 1});
  draw_boxes(image, boxes, "");
  std::set<std::vector<std::uint8_t>> colours;
  for (int i = 0; i < 12; ++i) {
    const auto at = image.pixels.begin() + (10 * 260 + i * 20) * 3;
    colours.insert({at, at + 3});
  }
  EXPECT_EQ(colours.size(), 12u);
}

TEST(Draw, RefusesAPictureWithoutItsPixels) {
  Image image = grey(4, 4);
  image.pixels.pop_back();
  EXPECT_THROW(draw_boxes(image, {}, ""), Error);
  EXPECT_THROW(draw_points(image, {}, ""), Error);
}

TEST(Font, HasADifferentGlyphForEachCharacter) {
  std::set<image::Glyph> glyphs;
  for (char32_t c = 32; c < 127; ++c) {
    glyphs.insert(image::glyph(c));
    for (const std::uint8_t row : image::glyph(c)) EXPECT_LT(row, 32);
  }
  EXPECT_EQ(glyphs.size(), 95u);
  EXPECT_EQ(image::glyph(U'ä'), image::glyph(7));
}

class SavedPictures : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("moonbeam-save-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "-" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  std::filesystem::path folder_;
};

TEST_F(SavedPictures, ComeBackEqualFromPng) {
  const Image image = image::testing::noise(700, 611, 3);  // more than one piece
  save_png(image, path("a.png"));
  const Image back = load_image(path("a.png"));
  EXPECT_EQ(back.height, 700);
  EXPECT_EQ(back.pixels, image.pixels);
}

TEST_F(SavedPictures, ComeBackNearlyEqualFromJpeg) {
  const Image image = image::testing::gradient(150, 90);
  save_jpeg(image, path("a.jpg"));
  const Image back = load_image(path("a.jpg"));
  ASSERT_EQ(back.pixels.size(), image.pixels.size());
  for (std::size_t i = 0; i < image.pixels.size(); ++i) ASSERT_NEAR(back.pixels[i], image.pixels[i], 8);
}

TEST_F(SavedPictures, LeaveNothingBehindWhenTheyCannotBeWritten) {
  EXPECT_THROW(save_png(Image{}, path("a.png")), Error);
  EXPECT_THROW(save_jpeg(image::testing::noise(4, 4, 1), path("b.jpg"), 101), Error);
  EXPECT_THROW(save_jpeg(grey(1, 65'501), path("c.jpg")), Error);
  EXPECT_THROW(save_png(image::testing::noise(4, 4, 1), path("none/a.png")), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace moonbeam
