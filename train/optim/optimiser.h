// One step for all parameters: Muon for the matrices it is meant for, AdamW for the rest. Decay is decoupled
// from the gradient in both. Schedules are schedule.h's.
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "train/optim/parameters.h"

namespace moonbeam::train {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

class Optimiser {
 public:
  /// @param bf16  Muon's iteration in bf16
  Optimiser(std::vector<LearningParameter> parameters, const OptimiserSettings& settings, bool bf16);

  const std::vector<LearningParameter>& parameters() const { return parameters_; }

  /// Scales the gradients down to the settings' norm. @return the norm before; not finite where a gradient is
  /// not: then nothing was changed and step() must not be called.
  double clip();
  /// A step by the gradients there are, at a rate for each group. Parameters without one stay.
  void step(const std::array<double, kGroups>& rates);
  void zero_gradients();

  /// Moments and counters under the names of their parameters: what a checkpoint keeps. Views, not copies.
  NamedTensors state() const;

 private:
  struct Moments {
    torch::Tensor first, second, steps;  // Muon has the first alone
  };
  void adamw(const std::array<double, kGroups>& rates);
  void muon(const std::array<double, kGroups>& rates);

  std::vector<LearningParameter> parameters_;
  OptimiserSettings settings_;
  bool bf16_;
  std::vector<Moments> moments_;  // [parameters]
};

}  // namespace moonbeam::train
