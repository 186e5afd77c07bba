// What the map part of the pipeline leaves behind: WORK/plan.json and, below WORK/shards, records in chunks
// (NNNNN/chunk-NNNNN.jsonl), each with its marker (.done: sha256, bytes, counts). Read in the plan's order,
// whatever the order on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/pipeline/record/record.h"

namespace moonbeam::pipeline {

struct WorkChunk {
  int shard = 0, number = 0;
  std::string path;
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// Where a record's line stands.
struct RecordPlace {
  std::uint32_t chunk = 0, bytes = 0;
  std::uint64_t offset = 0;
};

class WorkFolder {
 public:
  /// @throws Error kNotFound (no plan, no chunks), kCorrupt (a chunk without its marker, of another size, or
  /// another number of them than the plan says).
  explicit WorkFolder(std::string folder);

  const std::string& path() const { return folder_; }
  const Json& plan() const { return plan_; }
  std::string pipeline() const;  ///< its identity; empty where the plan names none
  const std::vector<WorkChunk>& chunks() const { return chunks_; }

  using UseChunk = std::function<void(std::size_t chunk, std::vector<Record>& records,
                                      std::span<const RecordPlace> places)>;
  /// In the plan's order; `threads` parse ahead. @throws Error kCorrupt (not what its marker says), and what
  /// `use` throws.
  void each_chunk(int threads, const UseChunk& use) const;

  Record read(const RecordPlace& place) const;

 private:
  std::string folder_;
  Json plan_;
  std::vector<WorkChunk> chunks_;
};

}  // namespace moonbeam::pipeline
