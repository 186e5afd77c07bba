// A run from its recipe to a model: stages one after the other, checkpoints, validation, samples, a log.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "train/checkpoint/checkpoint.h"
#include "train/checkpoint/run_folder.h"
#include "train/loop/start.h"
#include "train/parallel/ranks.h"
#include "train/recipe/recipe.h"

namespace moonbeam::train {

struct TrainOptions {
  double minutes = 0;      ///< stop with a checkpoint after this long; 0: at the end
  std::int64_t steps = 0;  ///< likewise after this many steps
  int threads = 0;         ///< of torch; 0: as many as this process may use
  int feeders = 1;         ///< threads that draw pictures
  int log_every = 10;      ///< steps between lines of log.jsonl
  bool quiet = false;
  /// Only to save a run's model: beside a process that trains it, and without its files of questions and
  /// pictures. run() may not be called.
  bool only_saves = false;
  std::function<bool()> stop = {};  ///< asked between steps: true ends with a checkpoint
  /// The processes that train together. Rank 0 makes the trainer by a recipe or a run's folder and writes all
  /// files; the others take everything from it.
  std::shared_ptr<Ranks> ranks = std::make_shared<Ranks>();
};

enum class Ended { kFinished, kStopped };

class Trainer {
 public:
  /// A new run: weights from the recipe's seed, or those of a model. @throws Error.
  Trainer(Recipe recipe, RunFolder folder, const TrainOptions& options, const StartOptions& start = {});
  /// Goes on from the newest checkpoint that can be read. @throws Error: kExhausted where another process
  /// trains the run.
  Trainer(RunFolder folder, const TrainOptions& options);
  /// Of a rank that is not the first: recipe, weights and place in the data are rank 0's. @throws Error.
  Trainer(const std::string& folder, const TrainOptions& options);
  ~Trainer();

  /// @throws Error kCorrupt: a loss or a gradient is not finite; it says where, and the last good checkpoint
  /// stays. kExhausted: the disk is full; the checkpoints there were stay.
  Ended run();

  const RunState& state() const;
  /// Writes the averaged weights (or the last ones) as a model in the published layout.
  /// Adapters are merged into the weights.
  void save_model(const std::string& folder, bool averaged, bool bf16);
  bool has_adapter() const;
  /// Writes the adapters alone. @throws Error kInvalidArgument where the run has none.
  void save_adapter(const std::string& path, bool averaged, bool bf16);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace moonbeam::train
