// S13 to S15 of a work folder whose shards are all done.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "data/pipeline/reduce/s13_dedupe.h"
#include "data/pipeline/reduce/s14_balance.h"
#include "data/pipeline/reduce/s15_shards.h"

namespace moonbeam::pipeline {

struct ReduceOptions {
  DedupeOptions dedupe = {};
  BalanceOptions balance = {};
  ShardOptions shards = {};
  int threads = 1;

  /// Sections [S13], [S14] and [S15] where a recipe has them; others are left alone. Files that they name are
  /// seen from `folder`, the recipe's; a model that does not lie there keeps its name.
  /// @throws Error kInvalidArgument naming file and line.
  void read(std::span<base::KeySection> sections, const std::string& folder = {});
};

struct ReduceResult {
  ShardsResult shards;
  std::map<std::string, std::int64_t> decisions;
  PictureCounts encoded;
};

/// Leaves WORK/reduce/decisions, and in place.out the shards. `say` is told of each stage before it begins.
/// @throws Error as the stages.
ReduceResult reduce(const WorkFolder& work, const ReduceOptions& options, const ShardsPlace& place,
                    const Embedder& embed, const std::function<void(std::string_view stage)>& say = {});

/// Of a work folder.
std::string decisions_path(const std::string& work);

}  // namespace moonbeam::pipeline
