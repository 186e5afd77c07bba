// Decoders, format by format: what is stored comes out as Pillow's convert("RGB") shows it.
#include <gtest/gtest.h>
#include <moonbeam/error.h>
#include <moonbeam/image.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "image/test_pictures.h"

namespace moonbeam::image::testing {
namespace {

using namespace std::string_literals;

/// The error that decoding gives, as "code: message"; empty if there is none.
std::string error_of(std::string_view bytes, const DecodeOptions& options = {}) {
  try {
    decode(bytes, options);
    return "";
  } catch (const Error& error) {
    return error_code_name(error.code()) + ": "s + error.what();
  }
}

int worst_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.width, b.width);
  if (a.pixels.size() != b.pixels.size()) return 256;
  int worst = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    worst = std::max(worst, std::abs(a.pixels[i] - b.pixels[i]));
  return worst;
}

std::vector<std::uint16_t> random_samples(std::size_t count, int bit_depth, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint16_t> out(count);
  for (auto& s : out) s = static_cast<std::uint16_t>(random.next() & ((1u << bit_depth) - 1));
  return out;
}

// ---------------------------------------------------------------------------------------------- PNG

struct PngKind {
  int color_type, bit_depth;
};

class PngKinds : public ::testing::TestWithParam<std::tuple<PngKind, bool>> {};

TEST_P(PngKinds, BecomeRgbWithoutAlphaAndWithTheHighByte) {
  const PngKind kind = std::get<0>(GetParam());
  const bool interlaced = std::get<1>(GetParam());
  constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4};
  const int channels = kChannels[kind.color_type];
  const int height = 21, width = 13;
  PngSpec spec{
      .height = height,
      .width = width,
      .color_type = kind.color_type,
      .bit_depth = kind.bit_depth,
      .interlaced = interlaced,
      .samples = random_samples(static_cast<std::size_t>(height * width * channels), kind.bit_depth, 7)};
  if (kind.color_type == 3) {
    for (int i = 0; i < 3 << kind.bit_depth; ++i) spec.palette.push_back(static_cast<std::uint8_t>(i * 37));
    spec.palette_alpha = {0, 128};
  }
  if (kind.color_type == 0) spec.transparent_grey = 1;
  const Image got = decode(png(spec));
  ASSERT_EQ(got.height, height);
  ASSERT_EQ(got.width, width);
  const auto byte_of = [&](std::uint16_t sample) {
    if (kind.bit_depth == 16) return sample >> 8;
    return sample * 255 / ((1 << kind.bit_depth) - 1);
  };
  for (std::size_t i = 0; i < static_cast<std::size_t>(height * width); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint16_t sample =
          spec.samples[i * static_cast<std::size_t>(channels) + (channels >= 3 ? c : 0)];
      const int want = kind.color_type == 3 ? spec.palette[sample * 3 + c] : byte_of(sample);
      ASSERT_EQ(got.pixels[i * 3 + c], want) << "pixel " << i << " channel " << c;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PngKinds,
                         ::testing::Combine(::testing::Values(PngKind{0, 1}, PngKind{0, 2}, PngKind{0, 4},
                                                              PngKind{0, 8}, PngKind{0, 16}, PngKind{2, 8},
                                                              PngKind{2, 16}, PngKind{3, 1}, PngKind{3, 2},
                                                              PngKind{3, 4}, PngKind{3, 8}, PngKind{4, 8},
                                                              PngKind{4, 16}, PngKind{6, 8}, PngKind{6, 16}),
                                            ::testing::Bool()),
                         [](const auto& p) {
                           const PngKind kind = std::get<0>(p.param);
                           return "type" + std::to_string(kind.color_type) + "_" +
                                  std::to_string(kind.bit_depth) + "bit" +
                                  (std::get<1>(p.param) ? "_interlaced" : "");
                         });

TEST(Png, IgnoresGammaTextAndProfiles) {
  const Image image = noise(5, 6, 1);
  const std::string plain = png(image);
  const std::size_t after_header = 8 + 25;
  const std::string more = plain.substr(0, after_header) + png_chunk("gAMA", big(10'000, 4)) +
                           png_chunk("tEXt", "Comment\0"s + std::string(100'000, 'x')) +
                           png_chunk("iCCP", "broken") + plain.substr(after_header);
  EXPECT_EQ(decode(more).pixels, image.pixels);
}

TEST(Png, NeedsAllRowsButNotWhatFollowsThem) {
  const Image image = noise(40, 30, 2);
  for (const bool interlaced : {false, true}) {
    const std::string whole = png(image, interlaced);
    EXPECT_EQ(decode(whole.substr(0, whole.size() - 12)).pixels, image.pixels);  // no IEND
    EXPECT_EQ(decode(whole.substr(0, whole.size() - 18)).pixels, image.pixels);  // half of the checksum
    for (const std::size_t size : {whole.size() - 60, whole.size() / 2, std::size_t{60}, std::size_t{33}}) {
      EXPECT_NE(error_of(whole.substr(0, size)).find("corrupt"), std::string::npos) << size;
    }
  }
  const std::string whole = png(image);
  EXPECT_NE(error_of(whole.substr(0, whole.size() / 2)).find("expected 40 rows, got "), std::string::npos);
}

TEST(Png, SaysWhatIsWrongWithAHeader) {
  const std::string whole = png(noise(3, 3, 1));
  std::string broken = whole;
  broken[13] = 'X';
  EXPECT_NE(error_of(broken).find("expected the chunk IHDR first"), std::string::npos);
  broken = whole;
  broken[24] = 5;  // bits
  EXPECT_NE(error_of(broken).find("corrupt"), std::string::npos);
  broken = whole;
  broken[19] = 0;  // width
  EXPECT_NE(error_of(broken).find("0x3 pixels"), std::string::npos);
  EXPECT_NE(error_of(whole.substr(0, 20)).find("cut off in its header"), std::string::npos);
}

// ---------------------------------------------------------------------------------------------- JPEG

TEST(Jpeg, BaselineAndProgressiveGiveTheSamePicture) {
  const Image image = gradient(45, 67);
  const Image baseline = decode(jpeg(image));
  EXPECT_LE(worst_difference(baseline, image), 6);
  EXPECT_EQ(worst_difference(decode(jpeg(image, 95, JpegKind::kProgressive)), baseline), 0);
}

TEST(Jpeg, ExpandsGrey) {
  std::vector<std::uint8_t> grey;
  for (int i = 0; i < 32 * 24; ++i) grey.push_back(static_cast<std::uint8_t>(i / 4));
  const Image got = decode(jpeg_grey(grey, 24, 32, JpegKind::kBaseline));
  for (std::size_t i = 0; i < grey.size(); ++i) {
    ASSERT_NEAR(got.pixels[3 * i], grey[i], 8);
    ASSERT_EQ(got.pixels[3 * i], got.pixels[3 * i + 1]);
    ASSERT_EQ(got.pixels[3 * i], got.pixels[3 * i + 2]);
  }
}

TEST(Jpeg, TakesFourChannelsForInvertedCmyk) {
  // Flat, so that nothing but the colour formula is measured. Ink as Adobe stores it: 255 is none.
  for (const bool ycck : {false, true}) {
    std::vector<std::uint8_t> samples;
    for (int i = 0; i < 16 * 16; ++i) samples.insert(samples.end(), {200, 100, 255, 180});
    const Image got = decode(jpeg_cmyk(samples, 16, 16, ycck));
    EXPECT_NEAR(got.pixels[0], 200 * 180 / 255, 3);
    EXPECT_NEAR(got.pixels[1], 100 * 180 / 255, 3);
    EXPECT_NEAR(got.pixels[2], 255 * 180 / 255, 3);
  }
}

TEST(Jpeg, IsRefusedWhenCutOffAnywhere) {
  const Image image = noise(40, 40, 3);
  for (const JpegKind kind : {JpegKind::kBaseline, JpegKind::kProgressive}) {
    const std::string whole = jpeg(image, 90, kind);
    ASSERT_EQ(error_of(whole), "");
    for (std::size_t size = 4; size < whole.size(); size += whole.size() / 40) {
      EXPECT_NE(error_of(whole.substr(0, size)).find("corrupt: test: the JPEG is cut off"), std::string::npos)
          << size;
    }
    EXPECT_NE(error_of(whole.substr(0, whole.size() - 2)).find("the JPEG is cut off"), std::string::npos);
  }
  const std::string baseline = jpeg(image, 90);
  EXPECT_NE(error_of(baseline.substr(0, baseline.size() / 2)).find("expected 40 rows, got "),
            std::string::npos);
}

TEST(Jpeg, WithTwelveBitsIsNotSupported) {
  std::string file = jpeg(noise(8, 8, 1));
  const std::size_t frame = file.find("\xff\xc0");
  file[frame + 4] = 12;
  EXPECT_EQ(error_of(file).rfind("unsupported: test: JPEG: ", 0), 0u) << error_of(file);
}

TEST(Jpeg, WithTwoComponentsIsNotSupported) {
  std::string file = jpeg(noise(8, 8, 1));
  const std::size_t frame = file.find("\xff\xc0");
  // Two components in a frame header that is shorter by one; the rest is never reached.
  file = file.substr(0, frame) + "\xff\xc0"s + big(14, 2) + "\x08"s + big(8, 2) + big(8, 2) +
         "\x02\x01\x11\x00"s + "\x02\x11\x00"s + "\xff\xda"s + big(10, 2) +
         "\x02\x01\x00\x02\x00\x00\x3f\x00"s + "\xff\xd9"s;
  EXPECT_EQ(error_of(file), "unsupported: test: JPEG with 2 components; expected 1, 3 or 4");
}

TEST(Jpeg, StopsAtAHundredScans) {
  const std::vector<std::uint8_t> grey(64 * 64, 99);
  EXPECT_EQ(error_of(jpeg_grey(grey, 64, 64, JpegKind::kProgressive)), "");
  EXPECT_NE(error_of(jpeg_grey(grey, 64, 64, JpegKind::kManyScans)).find("more scans than the limit of 100"),
            std::string::npos);
}

// ---------------------------------------------------------------------------------------------- WebP

TEST(Webp, LosslessIsExactAndKeepsColoursUnderAlpha) {
  const int height = 33, width = 21;
  const Image image = noise(height, width, 4);
  std::vector<std::uint8_t> rgba;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    rgba.insert(rgba.end(), {image.pixels[i], image.pixels[i + 1], image.pixels[i + 2],
                             static_cast<std::uint8_t>(i % 2 == 0 ? 0 : 255)});
  }
  EXPECT_EQ(decode(webp_lossless(rgba, height, width)).pixels, image.pixels);
}

TEST(Webp, LossyComesClose) {
  const Image image = gradient(70, 90);
  EXPECT_LE(worst_difference(decode(webp_lossy(image, 95)), image), 12);
}

TEST(Webp, AnimationShowsItsFirstFrameOnBlack) {
  const Image frame = noise(6, 4, 5);
  const Image got = decode(webp_animation(10, 12, 2, 4, frame));
  ASSERT_EQ(got.height, 10);
  ASSERT_EQ(got.width, 12);
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 12; ++x) {
      for (int c = 0; c < 3; ++c) {
        const bool inside = y >= 4 && x >= 2 && x < 6;
        const int want = inside ? frame.pixels[static_cast<std::size_t>(((y - 4) * 4 + x - 2) * 3 + c)] : 0;
        ASSERT_EQ(got.pixels[static_cast<std::size_t>((y * 12 + x) * 3 + c)], want);
      }
    }
  }
}

TEST(Webp, IsRefusedWhenCutOffOrBroken) {
  const Image image = noise(60, 60, 6);
  for (const std::string& whole : {webp_lossy(image, 80), webp_animation(60, 60, 0, 0, image)}) {
    for (const double part : {0.02, 0.1, 0.5, 0.9}) {
      const auto size = static_cast<std::size_t>(static_cast<double>(whole.size()) * part);
      EXPECT_EQ(error_of(whole.substr(0, std::max<std::size_t>(16, size))).rfind("corrupt: test: ", 0), 0u)
          << part;
    }
  }
  std::string broken = webp_lossy(image, 80);
  broken[23] = 'x';  // the key frame's start code
  EXPECT_EQ(error_of(broken), "corrupt: test: WebP: the header is broken");
}

// ---------------------------------------------------------------------------------------------- GIF

const std::vector<std::uint8_t> kFourColours = {16, 32, 48, 255, 0, 0, 0, 255, 0, 0, 0, 255};

std::vector<std::uint8_t> colours(const std::vector<std::uint8_t>& indices,
                                  const std::vector<std::uint8_t>& palette) {
  std::vector<std::uint8_t> out;
  for (const std::uint8_t i : indices)
    out.insert(out.end(), palette.begin() + i * 3, palette.begin() + i * 3 + 3);
  return out;
}

std::vector<std::uint8_t> random_indices(std::size_t count) {
  Random random(8);
  std::vector<std::uint8_t> out(count);
  for (auto& i : out) i = static_cast<std::uint8_t>(random.below(4));
  return out;
}

TEST(Gif, ShowsTheFirstFrameInterlacedOrNot) {
  const auto indices = random_indices(23 * 17);
  for (const bool interlaced : {false, true}) {
    const GifSpec spec{.screen_height = 23,
                       .screen_width = 17,
                       .height = 23,
                       .width = 17,
                       .interlaced = interlaced,
                       .indices = indices,
                       .global_palette = kFourColours,
                       .frames = 3};
    EXPECT_EQ(decode(gif(spec)).pixels, colours(indices, kFourColours));
  }
}

TEST(Gif, FillsRoundASmallFrameAsPillowDoes) {
  GifSpec spec{.screen_height = 4,
               .screen_width = 4,
               .left = 1,
               .top = 1,
               .height = 2,
               .width = 2,
               .indices = {1, 2, 3, 0},
               .global_palette = kFourColours};
  const auto around = [](std::uint8_t edge) {
    return std::vector<std::uint8_t>{edge, edge, edge, edge, edge, 1,    2,    edge,
                                     edge, 3,    0,    edge, edge, edge, edge, edge};
  };
  EXPECT_EQ(decode(gif(spec)).pixels, colours(around(0), kFourColours));
  spec.transparent = 2;
  EXPECT_EQ(decode(gif(spec)).pixels, colours(around(2), kFourColours));
  spec.transparent = -1;
  spec.local_palette = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_EQ(decode(gif(spec)).pixels, colours(around(0), spec.local_palette));
  spec.local_palette.clear();
  spec.global_palette.clear();  // no palette: grey levels
  EXPECT_EQ(decode(gif(spec)).pixels, colours(around(0), {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}));
}

TEST(Gif, GrowsTheScreenForAFrameThatStandsOut) {
  const GifSpec spec{.screen_height = 2,
                     .screen_width = 2,
                     .left = 1,
                     .top = 1,
                     .height = 2,
                     .width = 2,
                     .indices = {1, 2, 3, 0},
                     .global_palette = kFourColours};
  EXPECT_EQ(decode(gif(spec)).pixels, colours({0, 0, 0, 0, 1, 2, 0, 3, 0}, kFourColours));
}

TEST(Gif, IsRefusedWhenCutOff) {
  const GifSpec spec{.screen_height = 9,
                     .screen_width = 9,
                     .height = 9,
                     .width = 9,
                     .indices = random_indices(81),
                     .global_palette = kFourColours};
  const std::string whole = gif(spec);
  EXPECT_EQ(error_of(whole.substr(0, whole.size() - 2)), "");  // the end marks are not missed
  for (std::size_t size = 6; size < whole.size() - 2; ++size) {
    EXPECT_EQ(error_of(whole.substr(0, size)).rfind("corrupt: test: ", 0), 0u) << size;
  }
  GifSpec few = spec;
  few.indices.resize(40);
  EXPECT_EQ(error_of(gif(few)).rfind("corrupt: test: the GIF is cut off: expected 9 rows, got 4", 0), 0u)
      << error_of(gif(few));
  EXPECT_EQ(error_of("GIF89a\1\0\1\0\0\0\0;"s), "corrupt: test: GIF: no frame before the end");
}

// ---------------------------------------------------------------------------------------------- BMP

TEST(Bmp, ReadsTrueColourBottomUpAndTopDown) {
  // 2 x 2, rows padded to 4 bytes; blue first.
  const std::string rows = "\1\2\3\4\5\6\0\0"s + "\7\x08\x09\x0a\x0b\x0c\0\0"s;
  EXPECT_EQ(decode(bmp(2, 2, 24, 0, 0, rows, 54)).pixels,
            (std::vector<std::uint8_t>{9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(decode(bmp(2, -2, 24, 0, 0, rows, 54)).pixels,
            (std::vector<std::uint8_t>{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10}));
  EXPECT_EQ(decode(bmp(1, -2, 32, 0, 0, "\1\2\3\xff\4\5\6\0"s, 54)).pixels,
            (std::vector<std::uint8_t>{3, 2, 1, 6, 5, 4}));
}

TEST(Bmp, ReadsPalettes) {
  const std::string palette = "\1\2\3\0\4\5\6\0"s;  // BGRx
  const std::vector<std::uint8_t> first = {3, 2, 1}, second = {6, 5, 4}, black = {0, 0, 0};
  const auto join = [](std::initializer_list<std::vector<std::uint8_t>> parts) {
    std::vector<std::uint8_t> out;
    for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
  };
  EXPECT_EQ(decode(bmp(3, -1, 1, 0, 2, palette + "\x40\0\0\0"s, 62)).pixels, join({first, second, first}));
  EXPECT_EQ(decode(bmp(3, -1, 4, 0, 2, palette + "\x10\x10\0\0"s, 62)).pixels, join({second, first, second}));
  EXPECT_EQ(decode(bmp(3, -1, 8, 0, 2, palette + "\1\0\5\0"s, 62)).pixels, join({second, first, black}));
}

TEST(Bmp, ReadsSixteenBitsAndBitFields) {
  EXPECT_EQ(decode(bmp(2, -1, 16, 0, 0, little(0x7c00 | 16, 2) + little(0x03e0, 2), 54)).pixels,
            (std::vector<std::uint8_t>{255, 0, 131, 0, 255, 0}));
  const std::string masks565 = little(0xf800, 4) + little(0x07e0, 4) + little(0x001f, 4);
  EXPECT_EQ(decode(bmp(2, -1, 16, 3, 0, masks565 + little(0xf81f, 2) + little(0x0400, 2), 66)).pixels,
            (std::vector<std::uint8_t>{255, 0, 255, 0, 129, 0}));
  const std::string swapped = little(0x0000ff, 4) + little(0x00ff00, 4) + little(0xff0000, 4);
  EXPECT_EQ(decode(bmp(1, -1, 32, 3, 0, swapped + "\1\2\3\4"s, 66)).pixels,
            (std::vector<std::uint8_t>{1, 2, 3}));
}

TEST(Bmp, ReadsRunLengths) {
  const std::string palette = "\0\0\0\0\1\1\1\0\2\2\2\0\3\3\3\0"s;
  const auto grey = [](const std::vector<std::uint8_t>& indices) {
    return colours(indices, {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3});
  };
  // Bottom row: three of 1, then a literal 2 3 0 (padded); next row: move one right, one of 2, end.
  const std::string rle8 = "\3\1\0\3\2\3\0\0\0\0\0\2\1\0\1\2\0\1"s;
  EXPECT_EQ(decode(bmp(6, 2, 8, 1, 4, palette + rle8, 70)).pixels,
            grey({0, 2, 0, 0, 0, 0, 1, 1, 1, 2, 3, 0}));
  const std::string rle4 = "\3\x12\0\3\x30\x10\0\1"s;  // 1 2 1, literal 3 0 1, end
  EXPECT_EQ(decode(bmp(6, 1, 4, 2, 4, palette + rle4, 70)).pixels, grey({1, 2, 1, 3, 0, 1}));
  EXPECT_EQ(error_of(bmp(6, 2, 8, 1, 4, palette + "\3\1"s, 70)),
            "corrupt: test: the BMP is cut off: expected 2 rows, got 0 from 72 bytes");
}

TEST(Bmp, ReadsTheHeaderOfOs2) {
  const std::string file = "BM"s + little(0, 4) + little(0, 4) + little(26 + 6, 4) + little(12, 4) +
                           little(2, 2) + little(1, 2) + little(1, 2) + little(1, 2) + "\1\2\3\4\5\6"s +
                           "\x40\0\0\0"s;
  EXPECT_EQ(decode(file).pixels, (std::vector<std::uint8_t>{3, 2, 1, 6, 5, 4}));
}

TEST(Bmp, RefusesWhatItCannotRead) {
  EXPECT_EQ(error_of(bmp(2, 2, 24, 0, 0, "\1\2\3", 54)),
            "corrupt: test: the BMP is cut off: expected 2 rows, got 0 from 57 bytes");
  EXPECT_EQ(error_of(bmp(2, 2, 24, 4, 0, "", 54)).rfind("unsupported: test: BMP: a JPEG or PNG inside", 0),
            0u);
  EXPECT_EQ(error_of(bmp(2, 2, 64, 0, 0, "", 54)).rfind("unsupported: test: BMP: 64 bits", 0), 0u);
  EXPECT_EQ(error_of(bmp(2, 2, 24, 1, 0, "", 54)), "unsupported: test: BMP: compression 1 of 24 bit pixels");
  EXPECT_EQ(error_of(bmp(2, 2, 24, 9, 0, "", 54)), "unsupported: test: BMP: compression 9 of 24 bit pixels");
  EXPECT_EQ(error_of(bmp(-2, 2, 24, 0, 0, "", 54)), "corrupt: test: BMP: the width is -2");
  EXPECT_EQ(error_of("BM"s), "corrupt: test: the BMP is cut off in its header");
  EXPECT_EQ(error_of("BM"s + std::string(60, '\7')).rfind("corrupt: test: BMP: header of ", 0), 0u);
}

// ---------------------------------------------------------------------------------------------- PNM

TEST(Pnm, ReadsAllSixKinds) {
  const std::vector<std::uint8_t> black_white = {0, 0, 0, 255, 255, 255};
  EXPECT_EQ(decode("P1\n# a comment\n2 1\n1 0").pixels, black_white);
  EXPECT_EQ(decode("P1 2 1 10").pixels, black_white);
  EXPECT_EQ(decode("P4 2 1\n\x80").pixels, black_white);
  EXPECT_EQ(decode("P2 2 1 3\n0 3").pixels, black_white);
  EXPECT_EQ(decode("P5 2 1 255\n\0\xff"s).pixels, black_white);
  EXPECT_EQ(decode("P3 1 1 255 1 2 3").pixels, (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(decode("P6 1 1 255\n\1\2\3").pixels, (std::vector<std::uint8_t>{1, 2, 3}));
}

TEST(Pnm, ScalesToBytesAndRoundsHalvesToEven) {
  EXPECT_EQ(decode("P3 1 1 510 1 3 510").pixels, (std::vector<std::uint8_t>{0, 2, 255}));
  EXPECT_EQ(decode("P6 1 1 65535\n\x80\x80\xff\xff\x01\x01"s).pixels,
            (std::vector<std::uint8_t>{128, 255, 1}));
  EXPECT_EQ(decode("P5 1 1 100\n\xff").pixels,
            (std::vector<std::uint8_t>{255, 255, 255}));  // above the maximum
}

TEST(Pnm, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("P6 2 2 255\n\1\2\3"),
            "corrupt: test: the PNM is cut off: expected 2 rows, got 0 from 14 bytes");
  EXPECT_EQ(error_of("P6 x"), "corrupt: test: PNM: expected the width, a number");
  EXPECT_EQ(error_of("P6 2"), "corrupt: test: PNM: expected the height, the data ends");
  EXPECT_EQ(error_of("P6 2 2 0\n"), "corrupt: test: PNM: the largest value is 0");
  EXPECT_EQ(error_of("P6 2 2 65536\n"),
            "corrupt: test: PNM: the largest value is 65536, expected at most 65535");
  EXPECT_EQ(error_of("P2 1 1 9 10"), "corrupt: test: PNM: a pixel is 10, expected at most 9");
  EXPECT_EQ(error_of("P2 2 1 9 1        "), "corrupt: test: PNM: expected a pixel, the data ends");
  EXPECT_EQ(error_of("P1 2 1 12"), "corrupt: test: PNM: expected a pixel, 0 or 1");
  EXPECT_EQ(error_of("P1 2 1 1  "), "corrupt: test: PNM: expected a pixel, the data ends");
  EXPECT_EQ(error_of("P6 1 1 255"), "corrupt: test: PNM: expected a blank after the header");
}

// ---------------------------------------------------------------------------------------------- limits,
// options

TEST(Decode, ChecksLimitsBeforeItDecodes) {
  const Image image = gradient(20, 30);
  const std::vector<std::string> files = {png(image),
                                          jpeg(image),
                                          webp_lossy(image, 80),
                                          bmp(30, 20, 24, 0, 0, std::string(92 * 20, 'x'), 54),
                                          "P6 30 20 255\n" + std::string(1800, 'x'),
                                          gif({.screen_height = 20,
                                               .screen_width = 30,
                                               .height = 20,
                                               .width = 30,
                                               .indices = random_indices(600),
                                               .global_palette = kFourColours})};
  for (const std::string& file : files) {
    EXPECT_EQ(error_of(file, {.max_side = 30, .max_pixels = 600}), "");
    EXPECT_EQ(error_of(file, {.max_side = 29}),
              "exhausted: test: the picture is 30x20 pixels, the limit is 29 a side");
    EXPECT_EQ(error_of(file, {.max_pixels = 599}),
              "exhausted: test: the picture is 30x20 pixels, the limit is 599 pixels in all");
  }
}

TEST(Decode, StopsAtItsDeadline) {
  const Image image = gradient(300, 200);
  for (const std::string& file :
       {png(image), png(image, true), jpeg(image), jpeg(image, 90, JpegKind::kProgressive),
        webp_lossy(image, 80), bmp(200, 300, 24, 0, 0, std::string(180'000, 'x'), 54),
        "P6 200 300 255\n" + std::string(180'000, 'x')}) {
    EXPECT_EQ(
        error_of(file, {.deadline_seconds = 1e-9}).rfind("exhausted: test: decoding takes longer than", 0),
        0u);
    EXPECT_EQ(error_of(file, {.deadline_seconds = 60}), "");
  }
}

TEST(Decode, NamesFormatsThatItDoesNotRead) {
  const std::pair<std::string, std::string> cases[] = {
      {"\0\0\0\x18"
       "ftypheic\0\0\0\0mif1heic"s,
       "unsupported: test: HEIC is not supported; convert it first, e.g. `heif-convert in.heic out.jpg`"},
      {"\0\0\0\x1c"
       "ftypavif\0\0\0\0mif1avif"s,
       "unsupported: test: AVIF is not supported; convert it first, e.g. `heif-convert in.avif out.jpg`"},
      {"\0\0\0\x18"
       "ftypisom\0\0\0\0mp42"s,
       "unsupported: test: MP4 video is not supported;"},
      {"II*\0\x08\0\0\0"s, "unsupported: test: TIFF is not supported;"},
      {"MM\0*\0\0\0\x08"s, "unsupported: test: TIFF is not supported;"},
      {"\xff\x0a\x00\x01"s, "unsupported: test: JPEG XL is not supported;"},
      {"\0\0\0\x0cJXL \r\n\x87\n"s, "unsupported: test: JPEG XL is not supported;"},
      {"\0\0\0\x0cjP  \r\n\x87\n"s, "unsupported: test: JPEG 2000 is not supported;"},
      {"%PDF-1.7"s, "unsupported: test: PDF is not supported;"},
      {"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<svg xmlns="s, "unsupported: test: SVG is not supported;"},
      {"P7\nWIDTH 1\n"s, "unsupported: test: PAM is not supported;"},
      {"just words\n"s, "corrupt: test: not a picture: the file is text and begins with \"just words\""},
      {"\1\2\3\4\5\6\7\x08\x09"s,
       "corrupt: test: not a picture that can be read: expected JPEG, PNG, WebP, GIF, BMP or PPM, the data "
       "begins with 01 02 03 04 05 06 07 08"},
      {""s, "invalid argument: test: the picture is empty (0 bytes)"},
  };
  for (const auto& [bytes, want] : cases) EXPECT_EQ(error_of(bytes).substr(0, want.size()), want);
}

TEST(Decode, TurnsPicturesOnlyWhenAsked) {
  // 16 x 8 blocks, each quarter of its own brightness, so that JPEG cannot blur which is which.
  Image image = make_image(16, 32, std::vector<std::uint8_t>(16 * 32 * 3));
  const auto quarter = [](int y, int x, int height, int width) {
    return (y >= height / 2 ? 2 : 0) + (x >= width / 2 ? 1 : 0);
  };
  constexpr std::uint8_t kLevel[] = {0, 80, 160, 240};
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 32; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.pixels[static_cast<std::size_t>((y * 32 + x) * 3 + c)] = kLevel[quarter(y, x, 16, 32)];
      }
    }
  }
  // Which stored quarter (0 1 over 2 3) stands top left, top right, bottom left, bottom right.
  constexpr int kWhere[9][4] = {{},           {0, 1, 2, 3}, {1, 0, 3, 2}, {3, 2, 1, 0}, {2, 3, 0, 1},
                                {0, 2, 1, 3}, {2, 0, 3, 1}, {3, 1, 2, 0}, {1, 3, 0, 2}};
  const std::string plain_png = png(image);
  std::vector<std::uint8_t> rgba;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    rgba.insert(rgba.end(), {image.pixels[i], image.pixels[i + 1], image.pixels[i + 2], 255});
  }
  const std::string plain_webp = webp_lossless(rgba, 16, 32);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      const std::string exif = exif_block(orientation, big_endian);
      const std::string files[] = {
          jpeg_with_exif(jpeg(image), orientation, big_endian),
          plain_png.substr(0, 33) + png_chunk("eXIf", exif) + plain_png.substr(33),
          riff_chunk("RIFF", "WEBP" + riff_chunk("VP8X", little(8, 4) + little(31, 3) + little(15, 3)) +
                                 plain_webp.substr(12) + riff_chunk("EXIF", exif)),
      };
      for (const std::string& file : files) {
        EXPECT_EQ(decode(file).width, 32);
        const Image turned = decode(file, {.apply_orientation = true});
        ASSERT_EQ(turned.width, orientation >= 5 ? 16 : 32);
        ASSERT_EQ(turned.height, orientation >= 5 ? 32 : 16);
        for (int q = 0; q < 4; ++q) {
          const int y = turned.height / 4 + (q / 2) * turned.height / 2,
                    x = turned.width / 4 + (q % 2) * turned.width / 2;
          EXPECT_NEAR(turned.pixels[static_cast<std::size_t>((y * turned.width + x) * 3)],
                      kLevel[kWhere[orientation][q]], 4)
              << "orientation " << orientation << " quarter " << q;
        }
      }
    }
  }
}

TEST(Decode, IgnoresOrientationsThatMakeNoSense) {
  const std::string plain = jpeg(gradient(8, 16));
  for (const int orientation : {0, 9, 255}) {
    EXPECT_EQ(decode(jpeg_with_exif(plain, orientation, false), {.apply_orientation = true}).width, 16);
  }
  std::string lying = jpeg_with_exif(plain, 6, false);
  lying[16] = '\xff';  // the directory lies outside
  lying[17] = '\xff';
  EXPECT_EQ(decode(lying, {.apply_orientation = true}).width, 16);
}

TEST(LoadImage, ReadsFilesAndNamesThemInErrors) {
  const std::string folder = std::string(MOONBEAM_SOURCE_DIR) + "/tests/goldens/";
  EXPECT_EQ(load_image(folder + "images/tiny_40x30.png").width, 40);
  try {
    load_image(folder + "README.md");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("README.md: not a picture: the file is text"),
              std::string::npos);
  }
  EXPECT_THROW(load_image(folder + "none.png"), Error);
}

}  // namespace
}  // namespace moonbeam::image::testing
