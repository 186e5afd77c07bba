// Which items become samples and why the others do not: a few bytes an item, kept in WORK/reduce/decisions
// for `data explain` and for stages that are run alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/reduce/work_folder.h"

namespace moonbeam::pipeline {

/// Written to files: never renumber, only append.
enum class Why : std::uint8_t {
  kKept,
  kEarlier,            ///< a stage from S0 to S12 dropped it
  kSamePicture,        ///< S13: perceptual hash
  kEvaluationPicture,  ///< S13
  kBenchmark,          ///< S13: a benchmark's question stands in it
  kExact,              ///< S13
  kNear,               ///< S13: MinHash
  kMeaning,            ///< S13: embeddings
  kCluster,            ///< S13: a cluster that was reviewed and given up
  kWeight,             ///< S14: S10 gave it half a weight
  kTemplate,           ///< S14
  kAnswer,             ///< S14
  kYesNo,              ///< S14
  kLicence,            ///< S15
  kNoPicture,          ///< S15: its file is not there any more
  kTwin,               ///< its twin went (Pair::twin)
  kQuarantine,         ///< S13: its shard was given up after the report
  kRefusal,            ///< S14
  kLikePicture,        ///< S13: an encoder sees the same in another
};
inline constexpr int kWhys = 19;
std::string_view name(Why why);  ///< "S13/near"

inline constexpr std::uint32_t kNone = 0xffffffff;

struct DecidedPicture {
  std::uint64_t key = 0;  ///< hash of its key
  RecordPlace place;
  std::uint32_t first_item = 0;
};

struct Decisions {
  std::string pipeline;
  std::vector<DecidedPicture> pictures;  ///< all of the plan, in its order
  std::vector<Why> why;                  ///< of each item
  std::vector<std::uint32_t> of;         ///< item that it repeats; kNone: none

  std::uint32_t items_end(std::size_t picture) const;
  bool kept(std::size_t item) const { return why[item] == Why::kKept; }
  void drop(std::size_t item, Why reason, std::uint32_t like = kNone);
  /// "S13/near": how many; "kept" too.
  std::map<std::string, std::int64_t> counts() const;

  /// @throws Error kExhausted (disk full), kNotFound.
  void save(const std::string& path) const;
  /// @throws Error kNotFound, kCorrupt.
  static Decisions load(const std::string& path);
};

}  // namespace moonbeam::pipeline
