#include "data/pipeline/run/commit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/test_folder.h"

namespace moonbeam::pipeline {
namespace {

class CommitTest : public testing::Test {
 protected:
  static std::vector<Record> records(const std::string& key) {
    std::vector<Record> out(3);
    for (Record& one : out) one.input.key = key;
    out[0].pairs.push_back({.id = "a"});
    out[0].pairs.push_back({.id = "b", .dropped = "why"});
    out[1].status = "rejected";
    out[1].reason = "S0/too-small";
    out[2].status = "failed";
    out[2].reason = "S3: timeout: no answer within 3 s";
    return out;
  }
  std::string first_key() {
    std::string key;
    read_chunk(work_, 0, 1, [&](Record& one) { key = one.input.key; });
    return key;
  }
  base::TestFolder folder_;
  const RunFolder work_{folder_.path()};
};

TEST_F(CommitTest, CountsWhatBecameOfThePictures) {
  EXPECT_FALSE(is_committed(work_, 0, 1));
  EXPECT_TRUE(commit_chunk(work_, 0, 1, records("a")));
  EXPECT_TRUE(is_committed(work_, 0, 1));
  const ChunkCounts counts = read_counts(work_, 0, 1);
  EXPECT_EQ(counts.pictures, 3);
  EXPECT_EQ(counts.ok, 1);
  EXPECT_EQ(counts.pairs, 1);
  EXPECT_EQ(counts.reasons.at("S0/too-small"), 1);
  EXPECT_EQ(counts.reasons.at("S3: timeout"), 1);
}

TEST_F(CommitTest, TheSecondThrowsItsWorkAway) {
  EXPECT_TRUE(commit_chunk(work_, 0, 1, records("a")));
  EXPECT_FALSE(commit_chunk(work_, 0, 1, records("b")));
  EXPECT_EQ(first_key(), "a");
}

TEST_F(CommitTest, RecordsWithoutAMarkerAreKeptByWhoComesNext) {
  EXPECT_TRUE(commit_chunk(work_, 0, 1, records("a")));
  std::filesystem::remove(work_.marker(0, 1));  // killed between the two
  commit_chunk(work_, 0, 1, records("b"));
  EXPECT_EQ(first_key(), "a");
}

TEST_F(CommitTest, AChangedChunkIsNotTakenForWhatWasCommitted) {
  commit_chunk(work_, 0, 1, records("a"));
  std::ofstream(work_.chunk(0, 1), std::ios::app) << " ";
  try {
    first_key();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  }
}

TEST_F(CommitTest, StandingKnowsWhatIsOpen) {
  Plan plan;
  plan.pictures = 5;
  plan.shards = 2;
  plan.shard_pictures = 3;
  plan.chunk_pictures = 2;
  EXPECT_EQ(plan.chunks_of(0), 2);
  EXPECT_EQ(plan.chunks_of(1), 1);
  commit_chunk(work_, 0, 0, records("a"));
  commit_chunk(work_, 0, 1, records("b"));
  const Standing standing = standing_of(work_, plan);
  EXPECT_EQ(standing.chunks, 3);
  EXPECT_EQ(standing.committed, 2);
  EXPECT_EQ(standing.open_shards, std::vector<int>{1});
  EXPECT_EQ(standing.counts.pictures, 6);
  EXPECT_EQ(reopen_failed(work_, plan), 2) << "each has a failed picture";
  EXPECT_EQ(standing_of(work_, plan).committed, 0);
}

}  // namespace
}  // namespace moonbeam::pipeline
