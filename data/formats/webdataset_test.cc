#include "data/formats/webdataset.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_folder.h"
#include "data/formats/shard_writer.h"
#include "data/formats/tar.h"
#include "data/formats/test_files.h"

namespace moonbeam::data {
namespace {

std::string archive(const std::vector<std::pair<std::string, std::string>>& members, bool ended = true) {
  std::string out;
  TarWriter tar([&](std::string_view piece) { out += piece; });
  for (const auto& [name, content] : members) tar.add(name, content);
  if (ended) tar.finish();
  return out;
}

/// "key field=content ..." of each sample.
std::vector<std::string> samples_of(const std::string& text, Reading& reading) {
  std::vector<std::string> out;
  read_shard(
      std::as_bytes(std::span(text)), "t.tar",
      [&](const ShardSample& sample) {
        out.push_back(sample.key);
        for (const auto& [field, content] : sample.fields)
          out.back() += " " + field + "=" + std::string(sample.text(field));
      },
      reading);
  return out;
}

TEST(Shards, MembersAreGroupedByTheNameBeforeItsFirstDot) {
  Reading reading;
  EXPECT_EQ(samples_of(archive({{"a/b/000001.jpg", "x"},
                                {"a/b/000001.seg.PNG", "y"},
                                {"README", "z"},
                                {"a.b/000001.json", "v"},
                                {"a.b/000002.json", "w"},
                                {"a.b/.json", "u"}}),
                       reading),
            (std::vector<std::string>{"a/b/000001 jpg=x seg.png=y", "a.b/000001 json=v", "a.b/000002 json=w",
                                      "a.b/ json=u"}));
  EXPECT_EQ(reading.counts.refused, 0u);
}

TEST(Shards, AFieldTwiceAndMembersApartAreRefused) {
  Reading reading(Reading::Bad::kCount);
  EXPECT_EQ(samples_of(archive({{"1.jpg", "x"},
                                {"1.JPG", "y"},
                                {"2.jpg", "x"},
                                {"3.jpg", "x"},
                                {"2.json", "x"},
                                {"4.jpg", "x"}}),
                       reading),
            (std::vector<std::string>{"2 jpg=x", "3 jpg=x", "4 jpg=x"}));
  ASSERT_EQ(reading.counts.examples.size(), 2u);
  EXPECT_EQ(reading.counts.examples[0], "t.tar: sample 1: field 'jpg' stands there twice");
  EXPECT_HAS(reading.counts.examples[1], "t.tar: sample 2: there was one of this key before");
  EXPECT_EQ(reading.counts.of(Reason::kDuplicateId), 1u);
}

TEST(Shards, OfACutArchiveTheLastSampleIsDropped) {
  const std::string whole = archive({{"1.jpg", "x"}, {"1.json", "y"}, {"2.jpg", "x"}, {"2.json", "y"}});
  for (std::size_t size = 1; size < whole.size() - 1024; ++size) {
    Reading reading(Reading::Bad::kCount);
    const std::vector<std::string> samples = samples_of(whole.substr(0, size), reading);
    const std::size_t sure = size > 2 * 1024 ? 1 : 0;  // something of the next one is there
    EXPECT_LE(samples.size(), sure) << size;
    if (size >= 2 * 1024 + 513) {
      EXPECT_EQ(samples.size(), 1u) << size;
    }
    EXPECT_EQ(reading.counts.of(Reason::kCut), 1u) << size;
  }
  Reading reading(Reading::Bad::kCount);
  EXPECT_EQ(samples_of(archive({{"1.jpg", "x"}}, /*ended=*/false), reading).size(), 0u);
  EXPECT_EQ(reading.counts.examples.at(0), "t.tar: sample 1: the archive ends here without its last blocks");
}

TEST(Shards, WhatIsNoArchiveIsAnError) {
  const base::TestFolder folder;
  folder.put("a.tar", std::string(2000, 'x'));
  folder.put("empty.tar", "");
  Reading reading(Reading::Bad::kCount);
  for (const char* name : {"a.tar", "empty.tar", "none.tar"}) {
    EXPECT_THROW(read_shard(
                     folder / name, [](const ShardSample&) {}, reading),
                 Error);
  }
}

TEST(Shards, NamesInBracesAreExpanded) {
  EXPECT_EQ(expand_braces("a-{000009..000011}.tar"),
            (std::vector<std::string>{"a-000009.tar", "a-000010.tar", "a-000011.tar"}));
  EXPECT_EQ(expand_braces("{0..1}-{8..9}").size(), 4u);
  EXPECT_EQ(expand_braces("a.tar"), std::vector<std::string>{"a.tar"});
  for (const char* bad :
       {"a-{0..", "a-{}", "a-{1,2}", "a-{2..1}", "a-{0..99999999}", "a-{x..y}", "{0..999}{0..9999}"}) {
    EXPECT_THROW(expand_braces(bad), Error) << bad;
  }
}

class ShardWriting : public ::testing::Test {
 protected:
  std::vector<ShardRow> write(const std::string& to, int count, ShardOptions options = {}) {
    options.folder = folder_ / to;
    options.pipeline = "p";
    options.inputs = {"in"};
    ShardWriter writer(options);
    for (int i = 0; i < count; ++i) {
      const std::string jpg(1000, static_cast<char>('a' + i % 26)), json = std::to_string(i);
      writer.add("k/" + std::to_string(i), {{"json", json}, {"jpg", jpg}}, std::to_string(i / 2),
                 {{"query", 2}, {"caption", 1}});
    }
    return writer.finish();
  }
  base::TestFolder folder_;
};

TEST_F(ShardWriting, EqualSamplesGiveEqualBytesAndTheManifestSaysSo) {
  ShardOptions options;
  options.most_samples = 12;
  const std::vector<ShardRow> rows = write("a", 10, options);
  write("b", 10, options);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].samples, 12u);
  EXPECT_EQ(rows[0].images, 2u);
  EXPECT_EQ(rows[2].by_task.at("caption"), 2u);
  for (const char* name : {"train-000000.tar", "train-000000.idx", "train-000002.tar", "manifest.jsonl"}) {
    EXPECT_FALSE(folder_.get("a/" + std::string(name)).empty());
    EXPECT_EQ(folder_.get("a/" + std::string(name)), folder_.get("b/" + std::string(name))) << name;
  }
  const std::vector<ShardRow> read = read_manifest(folder_ / "a/manifest.jsonl");
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[1].sha256, rows[1].sha256);
  EXPECT_EQ(read[1].inputs, std::vector<std::string>{"in"});
  check_shards(folder_ / "a", read, true);
  Reading reading;
  std::vector<std::string> keys;
  for (const std::string& path : expand_braces(folder_ / "a/train-{000000..000002}.tar")) {
    read_shard(
        path,
        [&](const ShardSample& sample) {
          keys.push_back(sample.key);
          EXPECT_EQ(sample.text("json"), sample.key.substr(2));
          EXPECT_EQ(sample.text("jpg").size(), 1000u);
          EXPECT_EQ(sample.text("none"), "");
        },
        reading);
  }
  EXPECT_EQ(keys.size(), 10u);
}

TEST_F(ShardWriting, MembersStandInTheOrderOfTheirNames) {
  write("a", 1);
  const std::string tar = folder_.get("a/train-000000.tar");
  const std::vector<TarMember> members = read_tar(std::as_bytes(std::span(tar)), "t");
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].name, "k/0.jpg");
  EXPECT_EQ(folder_.get("a/train-000000.idx"), "k/0.jpg\t512\t1000\nk/0.json\t2048\t1\n");
}

TEST_F(ShardWriting, ShardsAreBoundedInBytesToo) {
  ShardOptions options;
  options.most_bytes = 10'000;
  write("a", 20, options);
  std::size_t shards = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "a")) {
    if (entry.path().extension() != ".tar") continue;
    ++shards;
    EXPECT_LE(std::filesystem::file_size(entry.path()), 10'000u);
  }
  EXPECT_EQ(shards, 7u);
  options.most_bytes = 100;  // less than one sample
  EXPECT_EQ(write("b", 3, options).size(), 3u);
}

TEST_F(ShardWriting, WhatWasAbandonedIsNotThere) {
  {
    ShardOptions options;
    options.folder = folder_ / "a";
    options.most_samples = 1;
    ShardWriter writer(options);
    writer.add("1", {{"jpg", "x"}}, "1", {{"query", 1}});
    writer.add("2", {{"jpg", "x"}}, "2", {{"query", 1}});
  }
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "a"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names,
            (std::vector<std::string>{"train-000000.idx", "train-000000.tar"}));  // whole, without a manifest
}

TEST_F(ShardWriting, WrongSamplesAreRefused) {
  ShardOptions options;
  options.folder = folder_ / "a";
  ShardWriter writer(options);
  writer.add("1", {{"jpg", "x"}}, "1", {});
  EXPECT_THROW(writer.add("1", {{"jpg", "x"}}, "1", {}), Error);
  EXPECT_THROW(writer.add("", {{"jpg", "x"}}, "1", {}), Error);
  EXPECT_THROW(writer.add("a.b", {{"jpg", "x"}}, "1", {}), Error);
  EXPECT_THROW(writer.add("a\tb", {{"jpg", "x"}}, "1", {}), Error);
  EXPECT_THROW(writer.add("2", {{"JPG", "x"}}, "1", {}), Error);
  EXPECT_THROW(writer.add("2", {{"", "x"}}, "1", {}), Error);
  EXPECT_THROW(writer.add("2", {}, "1", {}), Error);
  writer.add("a.b/2", {{"jpg", "x"}}, "1", {});
  options.name = "../x";
  EXPECT_THROW(ShardWriter other(options), Error);
  options.name = "x";
  options.folder = "/dev/null/x";
  EXPECT_THROW(ShardWriter other(options), Error);
}

TEST_F(ShardWriting, ChangedShardsAreFoundOut) {
  const std::vector<ShardRow> rows = write("a", 3);
  std::string tar = folder_.get("a/train-000000.tar");
  tar[600] ^= 1;
  folder_.put("a/train-000000.tar", tar);
  check_shards(folder_ / "a", rows, false);
  EXPECT_THROW(check_shards(folder_ / "a", rows, true), Error);
  folder_.put("a/train-000000.tar", tar.substr(512));
  EXPECT_THROW(check_shards(folder_ / "a", rows, false), Error);
  folder_.put("a/manifest.jsonl", "{\"shard\":\"../x.tar\",\"samples\":1,\"bytes\":1,\"sha256\":\"\"}\n");
  EXPECT_THROW(read_manifest(folder_ / "a/manifest.jsonl"), Error);
}

TEST_F(ShardWriting, AnIndexGivesMembersByTheirNames) {
  write("a", 30);
  const std::string path = folder_ / "a/train-000000.tar", index = folder_.get("a/train-000000.idx");
  EXPECT_EQ(IndexedShard(path).member("k/17.json"), "17");
  EXPECT_EQ(IndexedShard(path).entries().size(), 60u);
  EXPECT_THROW(IndexedShard(path).member("k/30.json"), Error);
  for (const std::string& other :
       {std::string(), std::string("k/17.json\t0\t5\n"), std::string("nonsense\n"),
        std::string("k/17.json\t99999999999\t5\n"), index.substr(0, index.size() - 3), "x" + index,
        std::string("k/0.jpg\t512\t1001\n")}) {
    folder_.put("a/train-000000.idx", other);  // made anew in memory
    EXPECT_EQ(IndexedShard(path).member("k/17.json"), "17") << other;
    EXPECT_EQ(IndexedShard(path).entries().size(), 60u);
  }
}

}  // namespace
}  // namespace moonbeam::data
