#include "train/optim/optimiser.h"

#include <cmath>
#include <map>

#include "train/optim/newton_schulz.h"

namespace moonbeam::train {

using torch::Tensor;

namespace {

double rate_of(const LearningParameter& parameter, const std::array<double, kGroups>& rates) {
  return rates[static_cast<std::size_t>(parameter.group)];
}

}  // namespace

Optimiser::Optimiser(std::vector<LearningParameter> parameters, const OptimiserSettings& settings, bool bf16)
    : parameters_(std::move(parameters)), settings_(settings), bf16_(bf16) {
  for (LearningParameter& parameter : parameters_) {
    parameter.muon = parameter.muon && settings.muon;
    Moments moments;
    moments.first = torch::zeros_like(parameter.tensor, torch::kFloat);
    if (!parameter.muon) {
      moments.second = torch::zeros_like(moments.first);
      moments.steps = torch::zeros({}, moments.first.options());
    }
    moments_.push_back(std::move(moments));
  }
}

double Optimiser::clip() {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> gradients;
  for (const LearningParameter& parameter : parameters_) {
    if (parameter.tensor.grad().defined()) gradients.push_back(parameter.tensor.grad());
  }
  if (gradients.empty()) return 0;
  const double norm = torch::linalg_vector_norm(torch::stack(at::_foreach_norm(gradients))).item<double>();
  if (std::isfinite(norm) && settings_.clip > 0 && norm > settings_.clip) {
    at::_foreach_mul_(gradients, settings_.clip / norm);
  }
  return norm;
}

void Optimiser::step(const std::array<double, kGroups>& rates) {
  const torch::NoGradGuard no_grad;
  adamw(rates);
  muon(rates);
}

void Optimiser::zero_gradients() {
  for (LearningParameter& parameter : parameters_) parameter.tensor.mutable_grad() = Tensor();
}

// One fused pass for all parameters that share a rate and a decay.
void Optimiser::adamw(const std::array<double, kGroups>& rates) {
  struct Lists {
    std::vector<Tensor> values, gradients, first, second, steps;
  };
  std::map<std::pair<double, double>, Lists> by_rate;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const LearningParameter& parameter = parameters_[i];
    if (parameter.muon || !parameter.tensor.grad().defined()) continue;
    const double decay = parameter.decays ? settings_.weight_decay : 0;
    Lists& lists = by_rate[{rate_of(parameter, rates), decay}];
    lists.values.push_back(parameter.tensor);
    lists.gradients.push_back(parameter.tensor.grad());
    lists.first.push_back(moments_[i].first);
    lists.second.push_back(moments_[i].second);
    lists.steps.push_back(moments_[i].steps);
  }
  for (auto& [key, lists] : by_rate) {
    at::_foreach_add_(lists.steps, 1);  // the fused kernel wants the number of this step
    at::_fused_adamw_(lists.values, lists.gradients, lists.first, lists.second, {}, lists.steps, key.first,
                      settings_.beta1, settings_.beta2, key.second, settings_.eps, /*amsgrad=*/false,
                      /*maximize=*/false);
  }
}

// Matrices of one shape go through the iteration together.
void Optimiser::muon(const std::array<double, kGroups>& rates) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> by_shape;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const LearningParameter& parameter = parameters_[i];
    if (!parameter.muon || !parameter.tensor.grad().defined()) continue;
    by_shape[{parameter.tensor.size(0), parameter.tensor.size(1)}].push_back(i);
  }
  for (const auto& [shape, members] : by_shape) {
    std::vector<Tensor> updates;
    for (const std::size_t i : members) {
      const Tensor gradient = parameters_[i].tensor.grad();
      Tensor& momentum = moments_[i].first;
      momentum.mul_(settings_.momentum).add_(gradient);
      updates.push_back(torch::add(gradient, momentum, settings_.momentum));  // Nesterov's look ahead
    }
    const Tensor stacked = torch::stack(updates).to(bf16_ ? torch::kBFloat16 : torch::kFloat);
    const Tensor orthogonal = newton_schulz(stacked, settings_.newton_schulz).to(torch::kFloat);
    // As large a step as AdamW's would be, so that one rate serves both.
    const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(shape.first, shape.second)));
    for (std::size_t k = 0; k < members.size(); ++k) {
      Tensor value = parameters_[members[k]].tensor;
      const double rate = rate_of(parameters_[members[k]], rates);
      value.mul_(1 - rate * settings_.weight_decay);
      value.add_(orthogonal[static_cast<std::int64_t>(k)], -rate * scale);
    }
  }
}

NamedTensors Optimiser::state() const {
  NamedTensors out;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    out.emplace_back("first." + name, moments_[i].first);
    if (parameters_[i].muon) continue;
    out.emplace_back("second." + name, moments_[i].second);
    out.emplace_back("steps." + name, moments_[i].steps);
  }
  return out;
}

}  // namespace moonbeam::train
