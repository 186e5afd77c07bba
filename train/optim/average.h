// The exponential average of the weights: steadier than the last ones, and what is evaluated and shipped.
#pragma once

#include <cstdint>

#include "train/optim/optimiser.h"

namespace moonbeam::train {

class WeightAverage {
 public:
  /// Begins at the parameters' values.
  WeightAverage(const std::vector<LearningParameter>& parameters, double decay);

  /// After each step: average += (1 - d)(value - average), d growing to `decay` over the first steps, so that
  /// the values at the start are soon forgotten.
  void update();

  /// While it lives the parameters hold the average; then again their own values.
  class Scope {
   public:
    explicit Scope(WeightAverage& average);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    void swap();
    WeightAverage& average_;
  };

  NamedTensors state() const;  ///< under "average.NAME"; views
  std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates) { updates_ = updates; }

 private:
  std::vector<std::string> names_;
  std::vector<torch::Tensor> values_, averages_;
  double decay_;
  std::int64_t updates_ = 0;
};

}  // namespace moonbeam::train
