#include "data/pipeline/run/s00_ingest.h"

#include <gtest/gtest.h>

#include <bit>
#include <filesystem>

#include "base/test_folder.h"
#include "image/resize.h"
#include "image/test_pictures.h"

namespace moonbeam::pipeline {
namespace {

/// Stripes whose width changes, so that pictures of different `seed` differ in their low frequencies.
Image stripes(int height, int width, int seed) {
  Image image{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width * 3)};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int value = (x * (seed % 5 + 1) * 4 / width + y * (seed % 3 + 1) * 3 / height + seed) % 3 * 100;
      for (int c = 0; c < 3; ++c)
        image.pixels[(static_cast<std::size_t>(y) * width + x) * 3 + c] = static_cast<std::uint8_t>(value);
    }
  }
  return image;
}

class Ingest : public testing::Test {
 protected:
  Record look(const std::string& file, int width, int height, const std::string& recipe = "[S0]\n") {
    std::vector<base::KeySection> sections = base::parse_key_file(recipe, "run.toml");
    const std::unique_ptr<Stage> stage = make_s0(sections.back());
    const base::TestFolder none;
    none.put("x.txt", "[user]\nx\n");
    const Prompts prompts(none.path());
    const Lexicon lexicon(find_words_folder());
    const Context context{prompts, lexicon, {}, 0, folder_.path()};
    Record record;
    record.input.key = "coco-7";
    record.input.file = file;
    record.input.width = width;
    record.input.height = height;
    stage->step(record, 0, {}, context);
    return record;
  }
  base::TestFolder folder_;
};

TEST_F(Ingest, TakesAPictureAndItsHashes) {
  save_png(stripes(120, 160, 3), folder_ / "a.png");
  const Record record = look("a.png", 160, 120);
  EXPECT_EQ(record.status, "ok") << record.reason;
  EXPECT_EQ(record.picture.sha256.size(), 64u);
  EXPECT_NE(record.picture.hash, 0u);
}

TEST_F(Ingest, SaysWhyItDoesNot) {
  save_png(stripes(60, 160, 3), folder_ / "small.png");
  save_png(stripes(70, 700, 3), folder_ / "long.png");
  save_png(Image{100, 100, std::vector<std::uint8_t>(30'000, 77)}, folder_ / "flat.png");
  folder_.put("bad.png", "no picture");
  save_png(stripes(120, 160, 3), folder_ / "a.png");
  EXPECT_EQ(look("small.png", 160, 60).reason, "S0/too-small");
  EXPECT_EQ(look("long.png", 700, 70).reason, "S0/too-long");
  EXPECT_EQ(look("flat.png", 100, 100).reason, "S0/constant-colour");
  EXPECT_EQ(look("bad.png", 100, 100).reason, "S0/undecodable");
  EXPECT_EQ(look("nowhere.png", 100, 100).reason, "S0/missing");
  EXPECT_EQ(look("a.png", 161, 120).reason, "S0/other-size") << "boxes would be of another grid";
  EXPECT_EQ(look("a.png", 160, 120, "[S0]\nleast_side = 130\n").status, "rejected");
}

TEST_F(Ingest, KeepsAwayFromEvaluationPicturesAndTheirCopies) {
  const Image image = load_image(MOONBEAM_SOURCE_DIR "/tests/data/starter/samples/s1.png");
  save_png(image, folder_ / "a.png");
  save_jpeg(image::resize(image, 2 * image.height, 2 * image.width, image::Filter::kBicubic),
            folder_ / "copy.jpg", 70);
  const Record record = look("a.png", image.width, image.height);
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(record.picture.hash));
  const auto with = [&](const std::string& line) {
    folder_.put("refuse.txt", "# evaluation\n" + line + "\n");
    return "[S0]\nrefuse = " + (folder_ / "refuse.txt") + "\n";
  };
  EXPECT_EQ(look("a.png", image.width, image.height, with("coco-7")).reason, "S0/evaluation-picture");
  EXPECT_EQ(look("a.png", image.width, image.height, with(record.picture.sha256)).reason,
            "S0/evaluation-picture");
  EXPECT_EQ(look("copy.jpg", 2 * image.width, 2 * image.height, with(std::string("phash:") + hash)).reason,
            "S0/evaluation-picture");
  EXPECT_EQ(look("copy.jpg", 2 * image.width, 2 * image.height, with("coco-8")).status, "ok");
}

TEST(PerceptualHash, TellsPicturesApart) {
  for (int a = 0; a < 6; ++a) {
    for (int b = 0; b < a; ++b) {
      EXPECT_GT(std::popcount(perceptual_hash(stripes(120, 160, a)) ^ perceptual_hash(stripes(120, 160, b))),
                4)
          << a << " " << b;
    }
  }
}

}  // namespace
}  // namespace moonbeam::pipeline
