#include "train/optim/average.h"

#include <algorithm>

namespace moonbeam::train {

WeightAverage::WeightAverage(const std::vector<LearningParameter>& parameters, double decay) : decay_(decay) {
  const torch::NoGradGuard no_grad;
  for (const LearningParameter& parameter : parameters) {
    names_.push_back(parameter.name);
    values_.push_back(parameter.tensor.detach());
    averages_.push_back(values_.back().clone());
  }
}

void WeightAverage::update() {
  const torch::NoGradGuard no_grad;
  const auto t = static_cast<double>(updates_++);
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  at::_foreach_lerp_(averages_, values_, 1 - decay);
}

WeightAverage::Scope::Scope(WeightAverage& average) : average_(average) {
  swap();
}
WeightAverage::Scope::~Scope() {
  swap();
}

// Values change places, not tensors: the modules hold the tensors.
void WeightAverage::Scope::swap() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < average_.values_.size(); ++i) {
    const torch::Tensor kept = average_.values_[i].clone();
    average_.values_[i].copy_(average_.averages_[i]);
    average_.averages_[i].copy_(kept);
  }
}

NamedTensors WeightAverage::state() const {
  NamedTensors out;
  for (std::size_t i = 0; i < names_.size(); ++i) out.emplace_back("average." + names_[i], averages_[i]);
  return out;
}

}  // namespace moonbeam::train
