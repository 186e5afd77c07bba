#include "server/api/chat/contact_sheet.h"

#include <gtest/gtest.h>

#include <array>

namespace moonbeam::server {
namespace {

Image plain(int height, int width, std::uint8_t grey) {
  Image out;
  out.height = height;
  out.width = width;
  out.pixels.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3, grey);
  return out;
}

int at(const Image& image, int x, int y) {
  return image.pixels[static_cast<std::size_t>(y * image.width + x) * 3];
}

TEST(ContactSheet, PicturesStandInRowsFromTheTopLeft) {
  const Image sheet = contact_sheet({plain(100, 100, 10), plain(100, 100, 20), plain(100, 100, 30)});
  EXPECT_EQ(sheet.width, 208);
  EXPECT_EQ(sheet.height, 208);
  EXPECT_EQ(at(sheet, 50, 50), 10);
  EXPECT_EQ(at(sheet, 158, 50), 20);
  EXPECT_EQ(at(sheet, 50, 158), 30);
  EXPECT_EQ(at(sheet, 104, 50), 0);
  EXPECT_EQ(at(sheet, 158, 158), 0);
}

TEST(ContactSheet, LargePicturesAreScaledDownAndSmallOnesLeftAsTheyAre) {
  const Image sheet = contact_sheet({plain(1000, 2000, 100), plain(10, 20, 200)});
  EXPECT_EQ(sheet.width, 2 * 640 + 8);
  EXPECT_EQ(sheet.height, 640);
  EXPECT_EQ(at(sheet, 320, 159), 0);
  EXPECT_EQ(at(sheet, 320, 161), 100);
  EXPECT_EQ(at(sheet, 648 + 320, 320), 200);
  EXPECT_EQ(at(sheet, 648 + 331, 320), 0);
}

TEST(ContactSheet, ScaledPixelsAreMeans) {
  Image stripes = plain(1280, 1280, 0);
  for (int i = 0; i < 1280 * 1280; ++i)
    if (i % 2 == 1) stripes.pixels[static_cast<std::size_t>(i) * 3] = 100;
  EXPECT_EQ(at(contact_sheet({stripes, stripes}), 100, 100), 50);
}

TEST(ContactSheet, ThinPicturesKeepAPixel) {
  const Image sheet = contact_sheet({plain(1, 5000, 100), plain(5000, 1, 100)});
  EXPECT_EQ(at(sheet, 0, 319) + at(sheet, 0, 320), 100);
}

}  // namespace
}  // namespace moonbeam::server
