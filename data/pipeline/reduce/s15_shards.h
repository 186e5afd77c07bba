// S15: samples to shards (data.md 2.20, 2.21, 4.11): pictures in a drawn order, each with all its samples
// side by side ("jpg", "json"), the manifest, and dataset.json last.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/key_file.h"
#include "data/formats/webdataset.h"
#include "data/pipeline/reduce/decisions.h"
#include "data/pipeline/reduce/samples.h"

namespace moonbeam::pipeline {

struct ShardOptions {
  std::string name = "train";
  std::uint64_t seed = 0;                                        ///< of the order
  std::int64_t samples = 10'000, bytes = std::int64_t{1} << 30;  ///< of a shard, at most
  /// The only ones that pass, in lower case; "unknown" is a picture that nothing is said of. Empty: all pass.
  std::vector<std::string> licences = {};

  /// [S15] of a recipe. @throws Error kInvalidArgument naming file and line.
  void read(base::KeySection& section);
};

struct ShardsPlace {
  std::string out;       ///< folder of the shards
  std::string pictures;  ///< folder of the pictures
  RunIdentity run;
  std::vector<std::string> inputs = {};  ///< for the manifest
  Json notes = nullptr;                  ///< more members of dataset.json: what the report found
};

struct ShardsResult {
  std::vector<data::ShardRow> shards;
  std::uint64_t samples = 0, pictures = 0;
  std::map<std::string, std::int64_t> licences;  ///< pictures by what is said of them, "unknown" too
};

/// Marks in `decisions` what did not pass. `progress` is called with pictures done and in all; false stops.
/// @throws Error kCancelled, kNotFound, kExhausted (disk full).
ShardsResult write_shards(const WorkFolder& work, const ShardOptions& options, const ShardsPlace& place,
                          Decisions& decisions,
                          const std::function<bool(std::uint64_t, std::uint64_t)>& progress = {});

/// A permutation of 0 .. count - 1.
std::vector<std::uint32_t> drawn_order(std::uint32_t count, std::uint64_t seed);

}  // namespace moonbeam::pipeline
