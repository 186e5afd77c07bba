// The same scenes of val-seed again and again, with the averaged weights: what is watched, and what decides
// when a stage's class list grows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/loop/pictures.h"
#include "train/loss/objective.h"

namespace moonbeam::train {

/// Parts of the loss and accuracies under the names that the log has: "loss.text", "patch_accuracy", ...
using Measures = std::map<std::string, double>;

/// What `parts` hold. Waits for the device.
Measures measures_of(const LossParts& parts);

/// Means of measures over steps or batches; a part that some lack is a mean over those that have it.
class MeanOf {
 public:
  void add(const Measures& measures, double weight = 1);
  Measures means() const;
  void clear() { sums_.clear(); }

 private:
  std::map<std::string, std::pair<double, double>> sums_;  // weighted sum, weight
};

/// Options of the stage's loss at a share of the way.
ObjectiveOptions objective_options(const Stage& stage, const model::ModelConfig& config, double progress);

class Validation {
 public:
  Validation(const PictureSources& sources, int scenes, bool bf16)
      : sources_(sources), scenes_(scenes), bf16_(bf16) {}

  /// Over the stage's kind of pictures; of a stage of own pictures those kept out, and beside them as
  /// "scenes_loss" and "scenes_token_accuracy" what became of drawn scenes, if the stage has some.
  /// Gradients are off; weights are taken as they are.
  Measures measure(Twin& twin, Heads& heads, const Stage& stage, int classes);

 private:
  const PictureSources& sources_;
  int scenes_;
  bool bf16_;
  void make(const Stage& stage, int classes, const StepPlan& all);

  std::string made_for_;  // stage and classes
  std::vector<Batch> batches_;
  std::size_t scenes_at_ = 0;  // of the batches: those from here on are of scenes beside own pictures
};

}  // namespace moonbeam::train
