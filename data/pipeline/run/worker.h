// A worker: takes shards that nobody works on, runs the stages over their chunks, commits what comes out. Any
// number of them share a work folder, on any number of machines.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "data/pipeline/run/commit.h"
#include "data/pipeline/run/plan.h"
#include "data/pipeline/run/recipe.h"

namespace moonbeam::pipeline {

struct WorkerOptions {
  RunFolder work;
  int rank = 0, of = 1;  ///< shards rank, rank + of, ... first, then those that are left
  /// When only shards of others are left: wait for them, and take them over if their owners are gone.
  bool wait = true;
  std::string batch;          ///< folder of batch files: nothing is sent
  double grace_seconds = 10;  ///< of calls that are under way when it is stopped
};

struct WorkerResult {
  enum class End {
    kDone,      ///< every chunk of the plan is committed, by whomever
    kOthers,    ///< what is left is others' (without `wait`)
    kStopped,   ///< by `stop`: start it again
    kRefused,   ///< the client gave up, `why` says why: servers, keys, budget
    kDeferred,  ///< batch files were written
  };
  End end = End::kDone;
  std::string why;
  int shards = 0, chunks = 0;  ///< committed by this worker
  std::int64_t batch_rows = 0;
};

/// @param stop  set it from a signal handler or another thread: no new work is begun, what is under way is
/// kept
///              where it can be, leases are given back, and it returns within grace_seconds and a little.
/// @throws Error kInvalidArgument (recipe, servers), kNotFound, kCorrupt, kExhausted (disk full).
WorkerResult run_worker(const WorkerOptions& options, RunRecipe& recipe, const std::atomic<bool>& stop);

/// Folder of the answers: the recipe's, or the work folder's own.
std::string cache_folder(const RunRecipe& recipe, const RunFolder& work);
/// Identity of the pipeline of a recipe: reads prompts and words.
std::string identity_of(const RunRecipe& recipe);
/// The recipe's own, or the program's.
Prompts prompts_of(const RunRecipe& recipe);
Lexicon words_of_run(const RunRecipe& recipe);
/// For one of `workers`: budgets of the run are shared out, since each counts its own ledger alone.
/// @throws Error kNotFound, kInvalidArgument (the servers' file).
llm::ClientOptions client_options(const RunRecipe& recipe, const RunFolder& work, int workers,
                                  llm::BatchWriter* batch);

}  // namespace moonbeam::pipeline
