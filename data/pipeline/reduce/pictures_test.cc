// Pictures that an encoder finds alike: a stub that knows what a picture's middle looks like.
#include "data/pipeline/reduce/pictures.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <atomic>
#include <cmath>
#include <filesystem>

#include "data/pipeline/reduce/reduce.h"
#include "data/pipeline/reduce/test_work.h"

namespace moonbeam::pipeline {
namespace {

namespace fs = std::filesystem;
constexpr int kWidth = 16;

/// A picture of one grey, which says what the stub sees.
std::string grey(int value) {
  return "P6\n2 2\n255\n" + std::string(12, static_cast<char>(value));
}

/// Sees tens of greys: 40 to 49 are one.
PictureEncoder stub(std::atomic<int>& encoded, const std::string& name = "stub", int fails_at = -1) {
  PictureEncoder out;
  out.name = name;
  out.width = kWidth;
  out.open = [&encoded, fails_at] {
    return [&encoded, fails_at](const Image& picture) {
      if (encoded++ == fails_at) throw Error(ErrorCode::kExhausted, "out of memory");
      std::vector<float> values(kWidth, 0.1f);
      values[static_cast<std::size_t>(picture.pixels[0] / 10 % kWidth)] += 1;
      return values;
    };
  };
  return out;
}

/// Of as many pictures as greys, five to a chunk; hashes all differ.
class EncodedPictures : public testing::Test {
 protected:
  void work_of(const std::vector<int>& greys) {
    std::vector<std::vector<Record>> chunks;
    for (std::size_t i = 0; i < greys.size(); ++i) {
      if (i % 5 == 0) chunks.emplace_back();
      Record& record = chunks.back().emplace_back(test_record(static_cast<int>(i)));
      record.picture.sha256 = base::sha256_hex(std::as_bytes(std::span(record.input.key)));
      record.captions = {test_caption("short", "A thing in " + record.input.key + ".")};
    }
    make_work(folder_, chunks);
    for (std::size_t i = 0; i < greys.size(); ++i) {
      folder_.put("pictures/" + std::to_string(i) + ".jpg", grey(greys[i]));
    }
  }
  Decisions decide(int threads = 2, DedupeOptions options = {}, const std::string& name = "stub") {
    options.picture_model = "stub";
    options.pictures = folder_ / "pictures";
    const PictureEncoder encoder = stub(encoded_, name, fails_at_);
    options.encoder = &encoder;
    encoded_ = 0;
    return dedupe(WorkFolder(folder_ / "work"), options, hashed_embedder(), threads, &counts_);
  }
  std::string part(const std::string& name) { return "work/reduce/vectors/" + name; }

  base::TestFolder folder_;
  std::atomic<int> encoded_ = 0;
  int fails_at_ = -1;
  PictureCounts counts_;
};

constexpr Why kKept = Why::kKept, kLike = Why::kLikePicture;

TEST_F(EncodedPictures, GoWithAllThatIsSaidOfThemAndTheFirstStays) {
  work_of({10, 20, 12, 30, 40, 21, 11});
  const Decisions out = decide();
  EXPECT_EQ(out.why, (std::vector<Why>{kKept, kKept, kLike, kKept, kKept, kLike, kLike}));
  EXPECT_EQ(out.of[2], 0u);
  EXPECT_EQ(out.of[5], 1u);
  EXPECT_EQ(out.of[6], 0u);
  EXPECT_EQ(out.counts().at("S13/like-picture"), 3);
}

TEST_F(EncodedPictures, AreOneWithThoseOfTheSameHash) {
  work_of({10, 20, 30, 40, 21});
  std::vector<Record> records;
  for (int i = 0; i < 5; ++i) {
    records.push_back(test_record(i));
    records.back().captions = {test_caption("short", "A thing in " + records.back().input.key + ".")};
  }
  records[1].picture.hash = records[0].picture.hash;  // goes by its hash: the last is like nothing that stays
  records[3].picture.hash = 0;
  base::TestFolder other;
  make_work(other, {records});
  fs::remove_all(folder_ / "work");
  fs::copy(other / "work", folder_ / "work", fs::copy_options::recursive);
  EXPECT_EQ(decide().why, (std::vector<Why>{kKept, Why::kSamePicture, kKept, kKept, kKept}));
}

TEST_F(EncodedPictures, DecideTheSameFromAnyNumberOfThreadsAndLeaveTheSameFiles) {
  std::vector<int> greys;
  for (int i = 0; i < 60; ++i) greys.push_back(i * 37 % 160);
  work_of(greys);
  const Decisions out = decide(1);
  const std::string first = folder_.get(part("00000-00000")), last = folder_.get(part("00005-00001"));
  for (const int threads : {2, 4}) {
    fs::remove_all(folder_ / "work/reduce");
    const Decisions again = decide(threads);
    EXPECT_EQ(again.why, out.why) << threads;
    EXPECT_EQ(again.of, out.of) << threads;
    EXPECT_EQ(folder_.get(part("00000-00000")), first) << threads;
    EXPECT_EQ(folder_.get(part("00005-00001")), last) << threads;
  }
}

TEST_F(EncodedPictures, AreEncodedOnce) {
  work_of({10, 20, 12, 30, 40, 21, 11});
  const Decisions out = decide();
  EXPECT_EQ(counts_.encoded, 7);
  EXPECT_EQ(decide().why, out.why);
  EXPECT_EQ(encoded_, 0);
  EXPECT_EQ(counts_.found, 7);
  // Whatever else a second look decides.
  DedupeOptions options;
  options.quarantine = {0};
  decide(2, options);
  options.picture_cosine = 0.5;
  decide(2, options);
  EXPECT_EQ(encoded_, 0);
}

TEST_F(EncodedPictures, GoOnWhereARunEnded) {
  work_of({10, 20, 12, 30, 40, 21, 11});
  fails_at_ = 6;  // in the second chunk
  EXPECT_THROW(decide(1), Error);
  EXPECT_TRUE(fs::exists(folder_ / part("00000-00000")));
  EXPECT_FALSE(fs::exists(folder_ / part("00000-00001")));
  fails_at_ = -1;
  const Decisions out = decide(1);
  EXPECT_EQ(encoded_, 2);
  EXPECT_EQ(out.why, (std::vector<Why>{kKept, kKept, kLike, kKept, kKept, kLike, kLike}));
}

TEST_F(EncodedPictures, AreEncodedAnewWhereTheirFileIsDamagedOrAnotherEncoders) {
  work_of({10, 20, 12, 30, 40, 21, 11});
  const Decisions out = decide();
  const std::string whole = folder_.get(part("00000-00000"));
  for (std::size_t at : {std::size_t{3}, std::size_t{30}, std::size_t{60}, whole.size() - 1}) {
    std::string broken = whole;
    broken[at] = static_cast<char>(broken[at] ^ 4);
    for (const std::string& bytes : {broken, whole.substr(0, at)}) {
      folder_.put(part("00000-00000"), bytes);
      EXPECT_EQ(decide().why, out.why);
      EXPECT_EQ(encoded_, 5);
      EXPECT_EQ(folder_.get(part("00000-00000")), whole);
    }
  }
  decide(2, {}, "another");
  EXPECT_EQ(encoded_, 7);
}

TEST_F(EncodedPictures, ThatCannotBeReadAreComparedByTheirHashesAlone) {
  work_of({10, 20, 12, 30, 11});
  fs::remove(folder_ / "pictures/0.jpg");
  folder_.put("pictures/3.jpg", "P6\n2 2\n255\nxy");
  EXPECT_EQ(decide().why, (std::vector<Why>{kKept, kKept, kKept, kKept, kLike}));
  EXPECT_EQ(counts_.unreadable, 2);
  folder_.put("pictures/0.jpg", grey(11));
  EXPECT_EQ(decide().why, (std::vector<Why>{kKept, kKept, kLike, kKept, kLike}));
  EXPECT_EQ(encoded_, 1);
}

TEST_F(EncodedPictures, OfEvaluationAndOfGivenUpShardsAreNobodysModel) {
  work_of({10, 20, 12, 30, 40, 21, 11});
  folder_.put("list.txt", "coco-0\n");
  DedupeOptions options;
  options.evaluation = {folder_ / "list.txt"};
  const Decisions out = decide(2, options);
  EXPECT_EQ(out.why, (std::vector<Why>{Why::kEvaluationPicture, kKept, kKept, kKept, kKept, kLike, kLike}));
  EXPECT_EQ(out.of[6], 2u);
}

TEST_F(EncodedPictures, AreNotComparedWithoutAModelOrAboveOne) {
  work_of({10, 11});
  DedupeOptions options;
  options.picture_cosine = 1.5;
  EXPECT_EQ(decide(2, options).why, (std::vector<Why>{kKept, kKept}));
  EXPECT_FALSE(fs::exists(folder_ / "work/reduce/vectors"));
  options.picture_cosine = 0.95;
  options.picture_model = "stub";
  EXPECT_THROW(dedupe(WorkFolder(folder_ / "work"), options, hashed_embedder(), 1), Error);
}

TEST_F(EncodedPictures, OfAnotherWidthThanTheEncoderSaysAreAnError) {
  work_of({10, 11});
  DedupeOptions options;
  options.picture_model = "stub";
  options.pictures = folder_ / "pictures";
  PictureEncoder encoder = stub(encoded_);
  encoder.width = kWidth + 1;
  options.encoder = &encoder;
  EXPECT_THROW(dedupe(WorkFolder(folder_ / "work"), options, hashed_embedder(), 1), Error);
}

TEST(PictureModel, IsSeenFromTheRecipesFolderOrKeepsItsName) {
  const base::TestFolder folder;
  folder.put("tiny.gguf", "x");
  const auto read = [&](const std::string& text) {
    std::vector<base::KeySection> sections = base::parse_key_file("[S13]\n" + text, "run.toml");
    ReduceOptions options;
    options.read(sections, folder.path());
    return options.dedupe;
  };
  EXPECT_EQ(read("picture_model = tiny.gguf\n").picture_model, folder / "tiny.gguf");
  EXPECT_EQ(read("picture_model = tiny\n").picture_model, "tiny");
  EXPECT_FALSE(read("picture_model = tiny\npicture_cosine = 1.1\n").encodes_pictures());
  EXPECT_FALSE(read("exact = true\n").encodes_pictures());
}

}  // namespace
}  // namespace moonbeam::pipeline
