// Pictures that lie about their size, are bombs or are broken: an error in one line or a picture, soon, never
// a crash. The sanitizer presets run the same tests. MOONBEAM_MUTANTS sets how many files of each format are
// broken at random.
#include <gtest/gtest.h>
#include <moonbeam/error.h>
#include <moonbeam/image.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>

#include "image/crops.h"
#include "image/test_pictures.h"

namespace moonbeam::image::testing {
namespace {

using namespace std::string_literals;

struct Outcome {
  std::string error;  // "code: message", empty if there is a picture
  Image image;
  double ms = 0;
};

Outcome outcome_of(std::string_view bytes, const DecodeOptions& options = {}) {
  Outcome out;
  const auto start = std::chrono::steady_clock::now();
  try {
    out.image = decode(bytes, options);
  } catch (const Error& error) {
    out.error = error_code_name(error.code()) + ": "s + error.what();
  }
  out.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return out;
}

/// Refused by the header alone: at once and without the picture's memory.
void expect_refused(std::string_view bytes, std::string_view start, const DecodeOptions& options = {}) {
  const Outcome outcome = outcome_of(bytes, options);
  EXPECT_EQ(outcome.error.substr(0, start.size()), start);
  EXPECT_EQ(outcome.error.find('\n'), std::string::npos);
  EXPECT_LT(outcome.ms, 50);
}

// ------------------------------------------------------------------------------- sizes and bombs

TEST(HostileImages, OfAnyAspectRatioAreAnswered) {
  for (const auto& [height, width] : {std::pair{1u, 20'000u}, {20'000u, 1u}, {1u, 65'535u}, {65'535u, 1u}}) {
    const std::string file = flat_png(height, width, 8, 2);
    EXPECT_LT(file.size(), 1000u);
    const Outcome outcome = outcome_of(file);
    ASSERT_EQ(outcome.error, "");
    const Crops crops = overlap_crops(outcome.image, {});
    EXPECT_EQ(crops.count, 2);
    EXPECT_EQ(views_2024(outcome.image, 378).count, 3);
    EXPECT_EQ(single_crop(outcome.image, 378).count, 1);
  }
  EXPECT_EQ(outcome_of(flat_png(1, 65'536, 1, 0)).error,
            "exhausted: test: the picture is 65536x1 pixels, the limit is 65535 a side");
}

TEST(HostileImages, WithManyCropsInARowStayBounded) {
  // The longest row of crops that the published tiling can give.
  const Outcome outcome = outcome_of(flat_png(379, 65'535, 1, 0));
  ASSERT_EQ(outcome.error, "");
  const Crops crops = overlap_crops(outcome.image, {});
  EXPECT_EQ(crops.tiling.rows, 1);
  EXPECT_LE(crops.tiling.cols, 40);
}

TEST(HostileImages, ThatUnpackToGigabytesAreRefusedFromTheHeader) {
  const std::string limit = "exhausted: test: the picture is ";
  expect_refused(flat_png(50'000, 50'000, 1, 0),
                 limit + "50000x50000 pixels, the limit is 268435456 pixels in all");
  expect_refused(flat_png(20'000, 20'000, 1, 3),
                 limit + "20000x20000 pixels, the limit is 268435456 pixels in all");
  expect_refused(bmp(60'000, 60'000, 8, 1, 1, "\0\0\0\0\0\1"s, 58), limit);
  expect_refused("P5 60000 60000 255\n", limit);
  expect_refused("P1 4294967295 4294967295\n", "corrupt: test: PNM: the width is");
  expect_refused(
      gif({.screen_height = 65'535, .screen_width = 65'535, .height = 1, .width = 1, .indices = {0}}), limit);
  expect_refused(gif({.screen_height = 1,
                      .screen_width = 1,
                      .left = 65'535,
                      .top = 65'535,
                      .height = 1,
                      .width = 1,
                      .indices = {0}}),
                 "exhausted: test: the picture is 65536x65536 pixels, the limit is 65535 a side");
}

TEST(HostileImages, WithABareHeaderGetNoMemory) {
  // Legal sizes, but the files are far too short to hold them.
  std::string png_file = flat_png(1, 16'000, 8, 6);
  png_file.replace(20, 4, big(16'000, 4));
  png_file.replace(12, 21, png_chunk("IHDR", png_file.substr(16, 13)).substr(4));
  expect_refused(png_file, "corrupt: test: the PNG is cut off: expected 16000 rows");

  std::string jpeg_file = jpeg(gradient(16, 16));
  const std::size_t frame = jpeg_file.find("\xff\xc0");
  jpeg_file.replace(frame + 5, 4, big(16'000, 2) + big(16'000, 2));
  expect_refused(jpeg_file, "corrupt: test: the JPEG is cut off: expected 16000 rows");
  jpeg_file.replace(frame + 5, 4, big(65'500, 2) + big(65'500, 2));
  expect_refused(jpeg_file, "exhausted: test: the picture is 65500x65500 pixels");
  jpeg_file.resize(frame + 19);
  expect_refused(jpeg_file, "corrupt: test: the JPEG is cut off in its header");

  expect_refused(bmp(16'000, 16'000, 24, 0, 0, "xyz", 54), "corrupt: test: the BMP is cut off");
  expect_refused("P6 16000 16000 255\nxyz", "corrupt: test: the PNM is cut off");
  expect_refused("P3 16000 16000 255\n1 2 3", "corrupt: test: the PNM is cut off");
}

TEST(HostileImages, ThatTakeLongStopAtTheDeadline) {
  // 36 megapixels of 16-bit RGBA: 288 MB behind some 300 kB.
  const Outcome slow = outcome_of(flat_png(6000, 6000, 16, 6), {.deadline_seconds = 0.05});
  EXPECT_EQ(slow.error, "exhausted: test: decoding takes longer than the limit of 0.05 s");
  EXPECT_LT(slow.ms, 1000);
}

TEST(HostileImages, WithHundredsOfScansStopEarly) {
  const std::string file =
      jpeg_grey(std::vector<std::uint8_t>(2048 * 2048, 130), 2048, 2048, JpegKind::kManyScans);
  const Outcome outcome = outcome_of(file);
  EXPECT_EQ(outcome.error, "exhausted: test: the JPEG has more scans than the limit of 100");
}

TEST(HostileImages, ThatAreProgressiveHaveALowerPixelLimit) {
  std::string file = jpeg(gradient(16, 16), 90, JpegKind::kProgressive);
  const std::size_t frame = file.find("\xff\xc2");
  file.replace(frame + 5, 4, big(9000, 2) + big(9000, 2));
  file += std::string(50'000, '\0');  // long enough to be believed
  EXPECT_EQ(
      outcome_of(file).error,
      "exhausted: test: the JPEG of 9000x9000 pixels is progressive, the limit for these is 67108864 pixels "
      "in all");
}

TEST(HostileImages, OfManyFramesCostOne) {
  const GifSpec spec{.screen_height = 100,
                     .screen_width = 100,
                     .height = 100,
                     .width = 100,
                     .indices = std::vector<std::uint8_t>(10'000, 1),
                     .frames = 1000};
  const std::string file = gif(spec);
  const Outcome outcome = outcome_of(file);
  EXPECT_EQ(outcome.error, "");
  EXPECT_LT(outcome.ms, 50);
}

TEST(HostileImages, InWebpObeyTheLimits) {
  const std::string flat = webp_lossless(std::vector<std::uint8_t>(4000 * 2000 * 4, 50), 2000, 4000);
  EXPECT_LT(flat.size(), 2000u);
  expect_refused(flat, "exhausted: test: the picture is 4000x2000 pixels", {.max_pixels = 7'999'999});
  const std::string canvas = webp_animation(16'000, 16'384, 0, 0, noise(2, 2, 1));
  expect_refused(canvas,
                 "exhausted: test: the picture is 16384x16000 pixels, the limit is 1000000 pixels in all",
                 {.max_pixels = 1'000'000});
}

TEST(HostileImages, WithAHugeTextChunkAreReadWithoutIt) {
  const std::string plain = png(gradient(8, 8));
  const std::string bomb(4'000'000, '\0');
  for (const char* type : {"tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "sPLT", "prVt"}) {
    const Outcome outcome = outcome_of(plain.substr(0, 33) + png_chunk(type, bomb) + plain.substr(33));
    EXPECT_EQ(outcome.error, "") << type;
  }
  // One that claims two gigabytes and ends.
  const std::string lying = plain.substr(0, 33) + big(0x7fffffff, 4) + "tEXt" + plain.substr(33);
  expect_refused(lying, "corrupt: test: the PNG is cut off: expected 8 rows, got 0");
}

// ------------------------------------------------------------------------------- broken files

struct FormatFiles {
  std::string name;
  std::vector<std::string> files;
};

std::vector<FormatFiles> small_files() {
  const Image picture = gradient(24, 20), rough = noise(17, 23, 9);
  std::vector<std::uint8_t> rgba, cmyk;
  for (std::size_t i = 0; i < rough.pixels.size(); i += 3) {
    rgba.insert(rgba.end(), {rough.pixels[i], rough.pixels[i + 1], rough.pixels[i + 2], rough.pixels[i]});
    cmyk.insert(cmyk.end(), {rough.pixels[i], rough.pixels[i + 1], rough.pixels[i + 2], rough.pixels[i]});
  }
  std::vector<std::uint16_t> bits(24 * 20), deep(24 * 20 * 4);
  std::vector<std::uint8_t> indices(24 * 20);
  Random random(12);
  for (auto& b : bits) b = static_cast<std::uint16_t>(random.below(4));
  for (auto& d : deep) d = static_cast<std::uint16_t>(random.next());
  for (auto& i : indices) i = static_cast<std::uint8_t>(random.below(4));
  const std::vector<std::uint8_t> palette = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const PngSpec with_palette{.height = 24,
                             .width = 20,
                             .color_type = 3,
                             .bit_depth = 2,
                             .interlaced = true,
                             .samples = bits,
                             .palette = palette,
                             .palette_alpha = {1, 2}};
  const PngSpec with_alpha{.height = 24, .width = 20, .color_type = 6, .bit_depth = 16, .samples = deep};
  const std::string still = webp_lossless(rgba, 17, 23);
  const std::string colours = "\0\0\0\0\1\1\1\0\2\2\2\0\3\3\3\0"s;
  return {
      {"jpeg",
       {jpeg(picture), jpeg(rough, 60, JpegKind::kProgressive), jpeg_cmyk(cmyk, 17, 23, true),
        jpeg_with_exif(jpeg(picture), 6, true)}},
      {"png", {png(picture), png(rough, true), png(with_palette), png(with_alpha)}},
      {"webp", {still, webp_lossy(picture, 70), webp_animation(30, 30, 2, 2, picture)}},
      {"gif",
       {gif({.screen_height = 24,
             .screen_width = 20,
             .height = 24,
             .width = 20,
             .interlaced = true,
             .transparent = 2,
             .indices = indices,
             .global_palette = palette}),
        gif({.screen_height = 30,
             .screen_width = 30,
             .left = 3,
             .top = 3,
             .height = 24,
             .width = 20,
             .indices = indices,
             .local_palette = palette})}},
      {"bmp",
       {bmp(20, 24, 24, 0, 0, std::string(1440, 'x'), 54),
        bmp(20, -24, 8, 0, 4, colours + std::string(480, '\2'), 70),
        bmp(6, 2, 8, 1, 4, colours + "\3\1\0\3\2\3\0\0\0\0\0\2\1\0\1\2\0\1"s, 70),
        bmp(6, 1, 4, 2, 4, colours + "\3\x12\0\3\x30\x10\0\1"s, 70),
        bmp(9, 9, 16, 3, 0, little(0xf800, 4) + little(0x7e0, 4) + little(31, 4) + std::string(180, 'q'),
            66)}},
      {"pnm",
       {"P6 # c\n20 24\n255\n" + std::string(1440, 'y'), "P5 20 24 999\n" + std::string(960, '\1'),
        "P4 20 24\n" + std::string(72, '\x5a'), "P3 2 2 255 1 2 3 4 5 6 7 8 9 10 11 12\n",
        "P2 2 2 9\n1 2\n3 4\n", "P1 4 2\n0101 1 0 1 0\n"}},
  };
}

std::string mutate(std::string file, Random& random) {
  const auto place = [&] { return random.below(static_cast<std::uint32_t>(file.size())); };
  const std::uint32_t changes = 1 + random.below(6);
  for (std::uint32_t i = 0; i < changes && !file.empty(); ++i) {
    switch (random.below(8)) {
      case 0:
        file.resize(place());
        break;
      case 1:
        file.erase(place(), 1 + random.below(8));
        break;
      case 2:
        file.insert(place(), std::string(1 + random.below(8), static_cast<char>(random.next())));
        break;
      case 3:  // values that readers stumble over
        file[place()] = "\x00\xff\x7f\x80\x01"[random.below(5)];
        break;
      case 4:
        file[random.below(std::min<std::uint32_t>(64, static_cast<std::uint32_t>(file.size())))] =
            static_cast<char>(random.next());
        break;
      case 5: {
        const std::uint32_t from = place();
        file.insert(place(), file.substr(from, random.below(40)));
        break;
      }
      default:
        file[place()] = static_cast<char>(1 << random.below(8) ^ file[place()]);
    }
  }
  return file;
}

int mutants_per_format() {
  const char* wanted = std::getenv("MOONBEAM_MUTANTS");
  return wanted ? std::max(1, std::atoi(wanted)) : 2000;
}

class BrokenImages : public ::testing::TestWithParam<std::size_t> {};

TEST_P(BrokenImages, GiveAPictureOrAnErrorInOneLine) {
  const FormatFiles format = small_files()[GetParam()];
  for (const std::string& file : format.files) {
    ASSERT_EQ(outcome_of(file, {.apply_orientation = true}).error, "") << format.name;
  }
  Random random(1000 + GetParam());
  int pictures = 0;
  for (int i = 0; i < mutants_per_format(); ++i) {
    const std::string& base = format.files[random.below(static_cast<std::uint32_t>(format.files.size()))];
    const Outcome outcome = outcome_of(
        mutate(base, random), {.apply_orientation = true, .max_pixels = 1 << 18, .deadline_seconds = 1});
    if (outcome.error.empty()) {
      ++pictures;
      ASSERT_EQ(outcome.image.pixels.size(),
                static_cast<std::size_t>(outcome.image.height) * outcome.image.width * 3);
    } else {
      ASSERT_EQ(outcome.error.find('\n'), std::string::npos) << outcome.error;
      ASSERT_NE(outcome.error.find("test: "), std::string::npos) << outcome.error;
    }
    ASSERT_LT(outcome.ms, 3000) << format.name << " mutant " << i;
  }
  EXPECT_GT(pictures, 0);  // or the mutants never get past the header
}

TEST_P(BrokenImages, CutOffAtAnyByteAreAnErrorOrTheWholePicture) {
  const FormatFiles format = small_files()[GetParam()];
  for (const std::string& file : format.files) {
    const Image whole = decode(file);
    for (std::size_t size = 0; size < file.size(); ++size) {
      const Outcome outcome = outcome_of(std::string_view(file).substr(0, size));
      if (outcome.error.empty()) {
        // Only what Pillow does not miss may be missing. A number at the end of a text file gets shorter.
        EXPECT_EQ(outcome.image.pixels.size(), whole.pixels.size()) << size << " of " << file.size();
        EXPECT_GE(size + 20, file.size());
      } else {
        EXPECT_TRUE(outcome.error.starts_with("corrupt: ") || outcome.error.starts_with("invalid argument: "))
            << outcome.error;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, BrokenImages, ::testing::Range<std::size_t>(0, 6),
                         [](const auto& p) { return small_files()[p.param].name; });

TEST(HostileImages, InEveryOrderOfHeaderBytesAreRefusedOrRead) {
  // Every value of every byte among the first 40 of each file.
  for (const FormatFiles& format : small_files()) {
    std::string file = format.files.front();
    const std::size_t bytes = std::min<std::size_t>(40, file.size());
    for (std::size_t at = 0; at < bytes; ++at) {
      const char kept = file[at];
      for (int value = 0; value < 256; value += 3) {
        file[at] = static_cast<char>(value);
        const Outcome outcome = outcome_of(file, {.max_pixels = 1 << 16, .deadline_seconds = 1});
        ASSERT_TRUE(outcome.error.empty() || outcome.error.find("test: ") != std::string::npos);
      }
      file[at] = kept;
    }
  }
}

}  // namespace
}  // namespace moonbeam::image::testing
