// One part of a set: kPartScenes scenes, drawn by all threads and written in order into a folder that
// appears when it is whole. For dataset.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "data/export/dataset.h"
#include "data/export/format.h"

namespace moonbeam::data {

inline constexpr std::uint64_t kPartScenes = 800;  ///< so that a shard holds fewer than 10,000 samples

inline constexpr int kJpegQuality = 92;

/// What a part needs to know; const while parts are written.
struct PartPlan {
  const ExportOptions& options;
  const DrawScene& draw;
  const LabelTable& labels;
  const AskedThings& things;
  std::vector<const Format*> formats;
  bool shards = false;
  bool samples = false;  ///< of shards or of "canonical"
  bool masks = false;
};

struct PartTotals {
  std::uint64_t scenes = 0, objects = 0, questions = 0, image_bytes = 0;
  std::array<std::uint64_t, kKinds> by_kind{};
};

/// "00007"
std::string part_name(std::uint64_t part);
/// A stream's file in a part's folder; `truth`: of the twin without mistakes.
std::string stream_file(const Format& format, int stream, bool truth);
/// "val-seed-000007"
std::string shard_name(const PartPlan& plan, std::uint64_t part);

/// Writes part `part` below `folder`/.parts, its pictures too: images/, one file a stream, shard.tar and
/// shard.idx, part.json with the totals. `advance` is told of every few scenes and may stop it.
/// @throws Error as export_scenes.
void write_part(const PartPlan& plan, std::uint64_t part, base::ThreadPool& pool,
                const std::function<void(std::uint64_t scenes)>& advance);

/// Of a part that stands. @throws Error kCorrupt.
PartTotals read_totals(const std::string& part_folder);

}  // namespace moonbeam::data
