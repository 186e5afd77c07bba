// The same scenes of val-seed again and again, with the averaged weights: what is watched, and what decides
// when a stage's class list grows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/loop/pictures.h"
#include "train/loss/objective.h"
#include "train/parallel/ranks.h"

namespace moonbeam::train {

/// Parts of the loss and accuracies under the names that the log has: "loss.text", "patch_accuracy", ...
using Measures = std::map<std::string, double>;
/// All of their names.
inline constexpr const char* kMeasures[] = {"loss.total",        "loss.text",        "loss.coordinate",
                                            "loss.size",         "loss.dense_class", "loss.dense_box",
                                            "loss.dense_colour", "loss.align_noun",  "loss.align_colour",
                                            "loss.align_box",    "patch_accuracy",   "token_accuracy"};

/// What `parts` hold. Waits for the device.
Measures measures_of(const LossParts& parts);

/// Means of measures over steps or batches; a part that some lack is a mean over those that have it.
class MeanOf {
 public:
  void add(const Measures& measures, double weight = 1);
  Measures means() const;
  /// Over what all ranks have added.
  void sum_over(Ranks& ranks);
  void clear() { sums_.clear(); }

 private:
  std::map<std::string, std::pair<double, double>> sums_;  // weighted sum, weight
};

/// Options of the stage's loss at a share of the way.
ObjectiveOptions objective_options(const Stage& stage, const model::ModelConfig& config, double progress);

class Validation {
 public:
  Validation(const PictureSources& sources, int scenes, bool bf16, Ranks& ranks)
      : sources_(sources), scenes_(scenes), bf16_(bf16), ranks_(ranks) {}

  /// Over the stage's kind of pictures; of a stage of own pictures those kept out, and beside them as
  /// "scenes_loss" and "scenes_token_accuracy" what became of drawn scenes, if the stage has some.
  /// Ranks take turns at its batches, and all get the same result.
  /// Gradients are off; weights are taken as they are.
  Measures measure(Twin& twin, Heads& heads, const Stage& stage, int classes);

 private:
  void make(const Stage& stage, int classes, const StepPlan& all);

  const PictureSources& sources_;
  int scenes_;
  bool bf16_;
  Ranks& ranks_;
  std::string made_for_;  // stage and classes
  std::vector<Batch> batches_;
  std::size_t scenes_at_ = 0;  // of the batches: those from here on are of scenes beside own pictures
};

}  // namespace moonbeam::train
