// Chunks that are done: records, and a marker that says so with their hash. Whoever is first commits; work
// that was done twice is thrown away.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/pipeline/record/record.h"
#include "data/pipeline/run/plan.h"

namespace moonbeam::pipeline {

/// What a marker says.
struct ChunkCounts {
  std::int64_t pictures = 0, ok = 0, rejected = 0, failed = 0;
  std::int64_t claims = 0, accepted = 0, captions = 0, pairs = 0, regions = 0, calls = 0;
  std::map<std::string, std::int64_t> reasons;  ///< of rejected and failed pictures
  ChunkCounts& operator+=(const ChunkCounts& other);
};
ChunkCounts count_records(const std::vector<Record>& records);

bool is_committed(const RunFolder& work, int shard, int chunk);
/// @return false where another worker was faster. @throws Error kExhausted (disk full).
bool commit_chunk(const RunFolder& work, int shard, int chunk, const std::vector<Record>& records);
/// Of a committed chunk. @throws Error kNotFound, kCorrupt.
ChunkCounts read_counts(const RunFolder& work, int shard, int chunk);
/// Records of a committed chunk, after its hash was checked. @throws Error kNotFound, kCorrupt.
void read_chunk(const RunFolder& work, int shard, int chunk, const std::function<void(Record&)>& use);

/// Opens chunks with failed pictures again; answers that came are in the cache. Nobody may work meanwhile.
/// @return how many
int reopen_failed(const RunFolder& work, const Plan& plan);

/// Chunks of the plan, and how many of them are committed.
struct Standing {
  std::int64_t chunks = 0, committed = 0;
  ChunkCounts counts;
  std::vector<int> open_shards;
};
Standing standing_of(const RunFolder& work, const Plan& plan);

}  // namespace moonbeam::pipeline
