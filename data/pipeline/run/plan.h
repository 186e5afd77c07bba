// The plan: annotations joined by picture, sorted by key, cut into shards. Made once for a work folder; all
// workers and all later runs hold to it (data.md 7.3). Its bytes do not depend on the order of the
// annotations.
//
//   WORK/recipe.toml         as it was when the plan was made; its first line says where it lay
//   WORK/corpus.json         how often classes are annotated (CorpusStats)
//   WORK/input/NNNNN.jsonl   pictures of a shard, one Input a line
//   WORK/plan.json           last: a folder without it has no plan
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/pipeline/record/record.h"
#include "data/pipeline/run/recipe.h"
#include "data/pipeline/stage/corpus.h"

namespace moonbeam::pipeline {

struct Plan {
  static constexpr int kForm = 1;
  std::string pipeline;  ///< RunRecipe::identity
  std::int64_t pictures = 0;
  int shards = 0, shard_pictures = 0, chunk_pictures = 0;
  std::string input_sha256;                     ///< of all input lines
  std::map<std::string, std::string> files;     ///< annotation files by path: their SHA-256
  std::map<std::string, std::int64_t> tiers;    ///< by tier_of()
  std::map<std::string, std::int64_t> refused;  ///< bad records by reason, "narrative-without-picture", ...

  std::int64_t pictures_of(int shard) const;
  int chunks_of(int shard) const;
};

/// A: narratives and boxes, B: boxes or texts of people, C: alt text alone.
std::string tier_of(const Input& input);

/// Paths in a work folder.
struct RunFolder {
  std::filesystem::path root;
  std::filesystem::path plan() const { return root / "plan.json"; }
  std::filesystem::path corpus() const { return root / "corpus.json"; }
  std::filesystem::path recipe() const { return root / "recipe.toml"; }
  std::filesystem::path input(int shard) const;
  std::filesystem::path shard(int shard) const;
  std::filesystem::path chunk(int shard, int chunk) const;
  std::filesystem::path marker(int shard, int chunk) const;
  std::filesystem::path lease(int shard) const;
  std::filesystem::path cache() const { return root / "cache"; }
  std::filesystem::path ledger(const std::string& worker) const {
    return root / "ledger" / (worker + ".jsonl");
  }
  std::filesystem::path status(const std::string& worker) const {
    return root / "status" / (worker + ".json");
  }
};

/// Makes the plan, or reads the one that is there and checks that it is of this recipe.
/// @throws Error kInvalidArgument (a plan of another pipeline, split or input; says which), as the readers,
/// kExhausted (disk full).
Plan make_plan(const RunFolder& work, const RunRecipe& recipe, const std::string& identity,
               const std::function<void(std::int64_t pictures)>& progress = {});
/// @throws Error kNotFound, kCorrupt, kUnsupported.
Plan read_plan(const RunFolder& work);
/// The recipe as it was when the plan was made, its paths seen from where it lay then. @throws Error
/// kNotFound.
RunRecipe planned_recipe(const RunFolder& work);
/// @throws Error kNotFound, kCorrupt.
CorpusStats read_corpus(const RunFolder& work);
/// Pictures of a chunk, in their order. @throws Error kNotFound, kCorrupt.
std::vector<Record> read_input(const RunFolder& work, const Plan& plan, int shard, int chunk);

}  // namespace moonbeam::pipeline
