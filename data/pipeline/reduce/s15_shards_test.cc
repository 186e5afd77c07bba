#include "data/pipeline/reduce/s15_shards.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <algorithm>
#include <filesystem>

#include "data/formats/webdataset.h"
#include "data/pipeline/reduce/reduce.h"
#include "data/pipeline/reduce/test_work.h"

namespace moonbeam::pipeline {
namespace {

Record full_record(int number) {
  Record record = test_record(number);
  const std::string own =
      " of picture " + std::to_string(number * 7919 % 1000) + " kind " + std::to_string(number);
  record.sources = {
      {.id = "K1", .kind = "caption", .raw = "A dog.", .text = "A dog.", .origin = "captions.json#9001"}};
  record.sheet.objects = {
      {.id = "O1", .name = "dog", .instance = 501, .box = {.1, .2, .3, .4}, .centre = {.2, .3}}};
  Claim claim;
  claim.id = "C1";
  claim.type = "existence";
  claim.subject = "dog";
  claim.source = "K1";
  claim.thing = "O1";
  claim.accepted = true;
  record.claims = {claim};
  record.captions = {test_caption("short", "A dog" + own + "."),
                     test_caption("normal", "A brown dog sits" + own + ".")};
  record.captions[0].human = true;
  record.captions[0].source = "K1";
  record.captions[1].claims = {"C1"};
  record.captions[1].generator = "writer@1";
  record.captions[1].request = "9f0c";
  record.calls = {{.stage = "S6", .id = "x/S6", .request = "9f0c", .outcome = "answer"}};
  record.pairs = {test_pair("what:0", "What animal is it?", "dog"),
                  test_pair("count:0", "How many dogs are there?", "1", "There is one dog.")};
  record.pairs[0].claims = {"C1"};
  record.pairs[1].claims = {"place:O1", "count:dog"};
  record.pairs[0].asked = "what animal is it? Answer briefly.";
  record.pairs[0].noise = "lower-case";
  record.pairs[0].judge = 5;
  record.regions = {
      {.id = "detect:0", .task = "detect", .label = "dog", .boxes = {{.1, .2, .3, .4}}, .evidence = {"O1"}},
      {.id = "point:0", .task = "point", .label = "dog", .points = {{.2, .3}}, .evidence = {"O1"}},
      {.id = "detect:1", .task = "detect", .label = "cat"}};
  return record;
}

std::vector<std::vector<Record>> chunks_of(int chunks) {
  std::vector<std::vector<Record>> out;
  for (int i = 0; i < chunks; ++i) {
    out.emplace_back();
    for (int k = 0; k < 5; ++k) out.back().push_back(full_record(5 * i + k));
  }
  return out;
}

ReduceResult run(const base::TestFolder& folder, const ReduceOptions& options = {}) {
  const ShardsPlace place{
      folder / "out", folder / "pictures", {"a41b", std::string(64, 'e')}, {"captions.json"}};
  return reduce(WorkFolder(folder / "work"), options, place, hashed_embedder());
}

TEST(Samples, CarryTheirEvidenceAndWhereTheyComeFrom) {
  const Record record = full_record(0);
  const std::vector<Item> items = items_of(record);
  ASSERT_EQ(items.size(), 7u);
  const RunIdentity identity{"a41b", std::string(64, 'e')};
  const data::CanonicalSample caption = sample_of(record, items[1], identity);
  EXPECT_EQ(caption.id, "coco-0#caption:normal:1");
  EXPECT_EQ(caption.turns[0].style, "sentence");
  EXPECT_EQ(caption.evidence, (std::vector<std::string>{"C1", "ann:501", "captions.json#9001"}));
  EXPECT_EQ(
      caption.provenance.dump(),
      R"({"sources":["captions.json"],"license":["cc-by-4.0"],"gen":"writer@1","prompt":"S6@eeeeeeeeeeee",)"
      R"("req":"9f0c","pipeline":"a41b"})");
  EXPECT_EQ(caption.checks->supported, 1);
  const data::CanonicalSample brief = sample_of(record, items[2], identity);
  EXPECT_EQ(brief.id, "coco-0#query:what:0");
  EXPECT_EQ(brief.turns[0].question, "what animal is it? Answer briefly.");
  EXPECT_EQ(brief.turns[0].answer, "dog");
  EXPECT_EQ(brief.turns[0].style, "short");
  EXPECT_EQ(brief.noise, "lower-case");
  const data::CanonicalSample sentence = sample_of(record, items[3], identity);
  EXPECT_EQ(sentence.turns[0].question, "How many dogs are there?");
  EXPECT_EQ(sentence.turns[0].answer, "There is one dog.");
  EXPECT_EQ(sentence.turns[0].style, "sentence");
  EXPECT_EQ(sentence.evidence, (std::vector<std::string>{"place:O1", "ann:501", "count:dog"}));
  EXPECT_EQ(sentence.checks->supported, 2);
  const data::CanonicalSample point = sample_of(record, items[5], identity);
  EXPECT_EQ(point.task, "point");
  EXPECT_EQ(point.regions[0].point, (std::array<double, 2>{.2, .3}));
  const data::CanonicalSample absent = sample_of(record, items[6], identity);
  EXPECT_EQ(absent.type, "absent");
  EXPECT_TRUE(absent.regions.empty());
}

TEST(Reduce, WritesShardsThatReadBack) {
  const base::TestFolder folder;
  make_work(folder, chunks_of(4));
  ReduceOptions options;
  options.shards.samples = 60;
  options.dedupe.min_hash.bands = 0;  // hand-made captions are all alike
  const ReduceResult result = run(folder, options);
  EXPECT_EQ(result.shards.pictures, 20u);
  EXPECT_EQ(result.shards.samples, 140u);
  EXPECT_EQ(result.shards.shards.size(), 3u);
  data::Reading reading;
  std::vector<std::string> order;
  for (const data::ShardRow& row : data::read_manifest(folder / "out/manifest.jsonl")) {
    EXPECT_EQ(row.pipeline, "a41b");
    data::read_shard(
        folder / "out/" + row.shard,
        [&](const data::ShardSample& sample) {
          order.push_back(sample.key);
          EXPECT_EQ(sample.text("jpg"), "\xff\xd8 picture " + sample.key);
          const auto samples = data::canonical_samples_of(sample.text("json"), sample.where);
          ASSERT_EQ(samples.size(), 7u);
          EXPECT_EQ(samples[0].picture, sample.key);
        },
        reading);
  }
  ASSERT_EQ(order.size(), 20u);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  const Json dataset = Json::parse(folder.get("out/dataset.json"));
  EXPECT_EQ(dataset["samples"], 140);
  EXPECT_EQ(dataset["licences"]["cc-by-4.0"], 20);
  EXPECT_EQ(dataset["decisions"]["kept"], 140);
  EXPECT_EQ(dataset["generators"], Json({"human", "writer@1"}));
  EXPECT_EQ(Decisions::load(decisions_path(folder / "work")).why.size(), 140u);
}

TEST(Reduce, GivesTheSameBytesWhateverTheOrderOnDiskAndTheThreads) {
  const base::TestFolder a, b;
  make_work(a, chunks_of(5));
  make_work(b, chunks_of(5), /*backwards=*/true);
  ReduceOptions options;
  options.dedupe.min_hash.bands = 0;
  options.balance.least = 3;
  run(a, options);
  options.threads = 4;
  run(b, options);
  for (const char* name : {"out/train-000000.tar", "out/train-000000.idx", "out/manifest.jsonl",
                           "out/dataset.json", "work/reduce/decisions"}) {
    EXPECT_FALSE(a.get(name).empty()) << name;
    EXPECT_EQ(a.get(name), b.get(name)) << name;
  }
  options.shards.seed = 1;
  run(b, options);
  EXPECT_NE(a.get("out/train-000000.tar"), b.get("out/train-000000.tar"));
}

TEST(Reduce, LetsListedLicencesPassAndCountsPicturesThatAreGone) {
  const base::TestFolder folder;
  auto chunks = chunks_of(2);
  chunks[0][1].input.licence = "CC-BY-NC-4.0";
  chunks[0][2].input.licence = "";
  make_work(folder, chunks);
  std::filesystem::remove(folder / "pictures/9.jpg");
  ReduceOptions options;
  options.dedupe.min_hash.bands = 0;
  options.shards.licences = {"cc-by-4.0", "unknown"};
  const ReduceResult result = run(folder, options);
  EXPECT_EQ(result.shards.pictures, 8u);
  EXPECT_EQ(result.decisions.at("S15/licence"), 7);
  EXPECT_EQ(result.decisions.at("S15/no-picture"), 7);
  EXPECT_EQ(result.shards.licences.at("cc-by-nc-4.0"), 1);
}

TEST(ReduceOptions, AreReadFromARecipeAndRefuseSlips) {
  auto sections = base::parse_key_file(
      "[S13]\ncosine = 0.9\nevaluation = a.txt, b.txt\n[S14]\ncolour_share = 0.2\n"
      "[S15]\nlicences = CC0\n[other]\nx = 1\n",
      "r.toml");
  ReduceOptions options;
  options.read(sections, "/recipes");
  EXPECT_EQ(options.dedupe.cosine, 0.9);
  EXPECT_EQ(options.dedupe.evaluation, (std::vector<std::string>{"/recipes/a.txt", "/recipes/b.txt"}));
  EXPECT_EQ(options.balance.answer_shares.at("colour"), 0.2);
  EXPECT_EQ(options.balance.answer_shares.at("count"), 0.25);
  EXPECT_EQ(options.shards.licences, std::vector<std::string>{"cc0"});
  auto slip = base::parse_key_file("[S13]\ncosinus = 0.9\n", "r.toml");
  EXPECT_THROW(options.read(slip), Error);
}

TEST(DrawnOrder, IsAPermutation) {
  std::vector<std::uint32_t> order = drawn_order(1000, 3);
  EXPECT_NE(order, drawn_order(1000, 4));
  std::sort(order.begin(), order.end());
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(order[i], i);
  EXPECT_TRUE(drawn_order(0, 1).empty());
}

}  // namespace
}  // namespace moonbeam::pipeline
