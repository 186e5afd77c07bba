#include "data/pipeline/reduce/s13_dedupe.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <cmath>

#include "data/pipeline/reduce/decontaminate.h"
#include "data/pipeline/reduce/drop_list.h"
#include "data/pipeline/reduce/near_pictures.h"
#include "data/pipeline/reduce/test_work.h"
#include "data/scenes/random.h"

namespace moonbeam::pipeline {
namespace {

const Embedder kEmbed = hashed_embedder();

Decisions decide(const std::vector<std::vector<Record>>& chunks, const DedupeOptions& options = {}) {
  const base::TestFolder folder;
  make_work(folder, chunks);
  return dedupe(WorkFolder(folder / "work"), options, kEmbed, 2);
}

const char* const kLong = "A brown dog sits on the grass beside a red ball and looks at the fence behind it.";

TEST(Shingles, AreRunsOfWordsAndLetters) {
  EXPECT_EQ(word_shingles("a b c d e f", 5).size(), 2u);
  EXPECT_EQ(word_shingles("A, b!", 5), word_shingles("a b", 5));
  EXPECT_EQ(word_shingles("", 5).size(), 0u);
  EXPECT_EQ(letter_shingles("abcdef", 4).size(), 3u);
  EXPECT_EQ(letter_shingles("aaaaaa", 4).size(), 1u);
}

TEST(MinHash, FindsLikeSetsAsOftenAsItsShapeSays) {
  data::Stream stream(7, 0, 0, data::Part::kPipeline);
  const auto number = [&] { return std::uint64_t{stream.next()} << 32 | stream.next(); };
  for (const auto& [likeness, expected] :
       {std::pair(0.5, .053), std::pair(0.7, .565), std::pair(0.8, .924)}) {
    int found = 0;
    constexpr int kTrials = 600, kUnion = 90;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::vector<std::uint64_t> a, b;
      const int both = static_cast<int>(std::lround(kUnion * likeness));
      for (int i = 0; i < kUnion; ++i) {
        const std::uint64_t one = number();
        if (i < both || i % 2 == 0) a.push_back(one);
        if (i < both || i % 2 == 1) b.push_back(one);
      }
      const auto bands_a = min_hash(a, {}), bands_b = min_hash(b, {});
      bool same = false;
      for (std::size_t i = 0; i < bands_a.size(); ++i) same = same || bands_a[i] == bands_b[i];
      found += same;
    }
    EXPECT_NEAR(found / double{kTrials}, expected, 0.06) << likeness;
  }
}

TEST(UnionFind, KnowsSetsByTheirFirst) {
  UnionFind sets(5);
  sets.join(4, 3);
  sets.join(1, 3);
  EXPECT_EQ(sets.first(4), 1u);
  EXPECT_EQ(sets.first(0), 0u);
}

TEST(HashIndex, FindsWhatDiffersInAFewBitsAndTheFirstOfThem) {
  HashIndex index(4);
  index.add(0x00ff00ff00ff00ff, 10);
  index.add(0x00ff00ff00ff00fe, 11);
  EXPECT_EQ(index.near(0x00ff00ff00ff00ff ^ 0x8000000000000111), 10u);
  EXPECT_EQ(index.near(0x00ff00ff00ff00ff ^ 0x8001000000000222), std::nullopt);
  EXPECT_EQ(HashIndex(0).near(1), std::nullopt);
}

TEST(Dedupe, KeepsTheFirstOfEqualCaptionsAcrossPictures) {
  Record a = test_record(0), b = test_record(1);
  a.captions = {test_caption("short", "A dog on grass."), test_caption("normal", "Two cats.")};
  b.captions = {test_caption("short", "a dog  on grass."), test_caption("normal", "Three cats.")};
  const Decisions out = decide({{a}, {b}});
  ASSERT_EQ(out.why.size(), 4u);
  EXPECT_EQ(out.why[0], Why::kKept);
  EXPECT_EQ(out.why[2], Why::kExact);
  EXPECT_EQ(out.of[2], 0u);
  EXPECT_EQ(out.why[3], Why::kKept);
}

TEST(Dedupe, FindsNearCaptions) {
  Record a = test_record(0), b = test_record(1);
  a.captions = {test_caption("normal", kLong)};
  b.captions = {test_caption("normal", std::string(kLong) + " Indeed.")};
  const Decisions out = decide({{a, b}});
  EXPECT_EQ(out.why[1], Why::kNear);
  EXPECT_EQ(out.of[1], 0u);
}

TEST(Dedupe, ComparesPairsWithinTheirPictureAndWithEqualAnswers) {
  Record a = test_record(0), b = test_record(1);
  a.pairs = {test_pair("what:0", "What animal is shown?", "dog"),
             test_pair("what:1", "what animal is shown?", "A dog"),
             test_pair("what:2", "What animal is shown?", "cat")};
  b.pairs = {test_pair("what:0", "What animal is shown?", "dog")};
  const Decisions out = decide({{a, b}});
  EXPECT_EQ(out.why[0], Why::kKept);
  EXPECT_EQ(out.why[1], Why::kExact);
  EXPECT_EQ(out.why[2], Why::kKept);
  EXPECT_EQ(out.why[3], Why::kKept);
}

TEST(Dedupe, AsksAnEncoderWhatMeansTheSame) {
  Record a = test_record(0);
  a.pairs = {test_pair("what:0", "Which creature can be seen?", "dog"),
             test_pair("what:1", "What animal is there?", "dog"), test_pair("what:2", "What barks?", "dog")};
  const base::TestFolder folder;
  make_work(folder, {{a}});
  const Embedder embed = [](const std::vector<std::string>& texts) {
    std::vector<std::vector<float>> out;
    for (const std::string& text : texts) {
      out.push_back(text.find("barks") == std::string::npos ? std::vector<float>{1, 0.1f}
                                                            : std::vector<float>{0, 1});
    }
    return out;
  };
  const Decisions out = dedupe(WorkFolder(folder / "work"), {}, embed, 1);
  EXPECT_EQ(out.why[1], Why::kMeaning);
  EXPECT_EQ(out.why[2], Why::kKept);
}

TEST(Dedupe, DropsAllOfAPictureThatIsThereAlready) {
  Record a = test_record(0), b = test_record(1), c = test_record(2);
  b.picture.hash = a.picture.hash ^ 0x1000100010001;
  c.picture.hash = a.picture.hash ^ 0x1f;
  for (Record* one : {&a, &b, &c}) {
    one->captions = {test_caption("short", "A thing in " + one->input.key + ".")};
    one->regions = {{.id = "detect:0", .task = "detect", .label = "dog"}};
  }
  const Decisions out = decide({{a}, {b, c}});
  EXPECT_EQ(out.why[2], Why::kSamePicture);
  EXPECT_EQ(out.why[3], Why::kSamePicture);
  EXPECT_EQ(out.of[3], 0u);
  EXPECT_EQ(out.why[4], Why::kKept);
}

TEST(Dedupe, WhatWasDroppedEarlierIsNobodysModel) {
  Record a = test_record(0), b = test_record(1), c = test_record(2);
  a.status = "rejected";
  a.captions = b.captions = c.captions = {test_caption("short", "A dog on grass.")};
  b.captions[0].dropped = "S6/unmatched";
  const Decisions out = decide({{a, b, c}});
  EXPECT_EQ(out.why[0], Why::kEarlier);
  EXPECT_EQ(out.why[1], Why::kEarlier);
  EXPECT_EQ(out.why[2], Why::kKept);
}

TEST(Dedupe, LeavesEvaluationOut) {
  const base::TestFolder lists;
  lists.put("pictures.txt", "# POPE\ncoco-0\n" + std::string(64, 'b') + "\nphash:0000000000000001\n");
  lists.put("questions.txt",
            "What is the name of the red book on the small table by the window?\nShort one?\n");
  std::vector<Record> records = {test_record(0), test_record(1), test_record(2), test_record(3)};
  records[2].picture.hash = 0x8000000000000003;
  records[3].picture.sha256 = std::string(64, 'c');
  for (Record& one : records) one.pairs = {test_pair("what:0", "What is shown?", "dog")};
  records[3].pairs.push_back(
      test_pair("what:1", "Say what is the name of the red book on the small table, please", "x"));
  records[3].pairs.push_back(test_pair("what:2", "What is the name of the red book in the hand?", "x"));
  records[3].pairs.push_back(test_pair("what:3", "Short one?", "x"));
  DedupeOptions options;
  options.evaluation = {lists / "pictures.txt"};
  options.benchmarks = {lists / "questions.txt"};
  const Decisions out = decide({records}, options);
  EXPECT_EQ(out.why[0], Why::kEvaluationPicture);  // by its key
  EXPECT_EQ(out.why[1], Why::kEvaluationPicture);  // by its file
  EXPECT_EQ(out.why[2], Why::kEvaluationPicture);  // by its looks
  EXPECT_EQ(out.why[3], Why::kKept);
  EXPECT_EQ(out.why[4], Why::kBenchmark);
  EXPECT_EQ(out.why[5], Why::kKept);
  EXPECT_EQ(out.why[6], Why::kKept);
  lists.put("pictures.txt", "phash:xyz\n");
  EXPECT_THROW(decide({records}, options), Error);
}

TEST(Dedupe, TakesTheTwinOfWhatGoes) {
  Record a = test_record(0);
  a.captions = {test_caption("short", "A dog.")};
  a.pairs = {test_pair("yesno:0", "Is the dog brown?", "yes"),
             test_pair("yesno:1", "Is the dog black?", "no"), test_pair("yesno:2", "is the dog black?", "no"),
             test_pair("yesno:3", "Is the dog white there now?", "yes")};
  a.pairs[2].twin = "yesno:3";
  a.pairs[3].twin = "yesno:2";
  const Decisions out = decide({{a}});
  EXPECT_EQ(out.why[2], Why::kKept);
  EXPECT_EQ(out.why[3], Why::kExact);
  EXPECT_EQ(out.why[4], Why::kTwin);
}

TEST(Dedupe, AppliesAReviewedDropList) {
  const base::TestFolder lists;
  DropList list;
  list.embedder = kHashedName;
  list.clusters.push_back({hashed_ngrams(pair_text("What is the weather?", "sunny")), 0.05, "weather"});
  lists.put("list.json", list.to_json());
  Record a = test_record(0);
  a.pairs = {test_pair("what:0", "What is the weather?", "sunny"),
             test_pair("what:1", "What animal is it?", "dog")};
  DedupeOptions options;
  options.drop_list = lists / "list.json";
  const Decisions out = decide({{a}}, options);
  EXPECT_EQ(out.why[0], Why::kCluster);
  EXPECT_EQ(out.why[1], Why::kKept);
  options.embedder = "another";
  EXPECT_THROW(decide({{a}}, options), Error);
}

TEST(Dedupe, LeavesQuarantinedShardsOutAndTakesNothingForTheirTwin) {
  std::vector<std::vector<Record>> chunks;
  for (int i = 0; i < 3; ++i) {  // two chunks a shard
    chunks.push_back({test_record(i)});
    chunks.back()[0].captions = {test_caption("short", "A dog on grass.")};
  }
  DedupeOptions options;
  options.quarantine = {0};
  const Decisions out = decide(chunks, options);
  EXPECT_EQ(out.why, (std::vector<Why>{Why::kQuarantine, Why::kQuarantine, Why::kKept}));
}

TEST(Decisions, AreReadAsTheyWereWritten) {
  Record a = test_record(0), b = test_record(1);
  a.captions = b.captions = {test_caption("short", "A dog on grass.")};
  const Decisions out = decide({{a, b}});
  const base::TestFolder folder;
  out.save(folder / "decisions");
  const Decisions back = Decisions::load(folder / "decisions");
  EXPECT_EQ(back.why, out.why);
  EXPECT_EQ(back.of, out.of);
  EXPECT_EQ(back.pictures[1].first_item, 1u);
  EXPECT_EQ(back.pipeline, "a41b");
  EXPECT_EQ(back.counts(), (std::map<std::string, std::int64_t>{{"kept", 1}, {"S13/exact", 1}}));
  const std::string bytes = folder.get("decisions");
  for (const std::size_t size : {std::size_t{3}, std::size_t{30}, bytes.size() - 1}) {
    folder.put("cut", bytes.substr(0, size));
    EXPECT_THROW(Decisions::load(folder / "cut"), Error);
  }
}

}  // namespace
}  // namespace moonbeam::pipeline
