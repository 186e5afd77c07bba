// Tests only: gradients against central differences, in f64.
#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace moonbeam::train::testing {

using Variables = std::vector<std::pair<std::string, torch::Tensor>>;

/// All parameters of a module in f64, filled with numbers of deviation 0.3: nothing is zero or one by chance.
inline Variables random_parameters(torch::nn::Module& module, std::uint64_t seed = 1) {
  const torch::NoGradGuard no_grad;
  module.to(torch::kDouble);
  at::Generator generator = at::detail::createCPUGenerator(seed);
  Variables out;
  for (const auto& item : module.named_parameters()) {
    item.value().copy_(torch::randn(item.value().sizes(), generator, torch::kDouble) * 0.3);
    out.emplace_back(item.key(), item.value());
  }
  for (const auto& item : module.named_buffers()) {
    item.value().copy_(torch::randn(item.value().sizes(), generator, torch::kDouble) * 0.3);
  }
  return out;
}

inline torch::Tensor random_input(std::vector<std::int64_t> shape, std::uint64_t seed = 2) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  return torch::randn(shape, generator, torch::kDouble).requires_grad_(true);
}

/// A scalar that weighs every element of `x` differently.
inline torch::Tensor weighed_sum(const torch::Tensor& x) {
  const torch::Tensor weights = torch::arange(x.numel(), torch::kDouble).mul(0.7).sin();
  return (x.flatten() * weights).sum();
}

/// Differentiates `loss` and moves some elements of each variable, first and last among them, up and down.
inline void expect_gradients(const std::function<torch::Tensor()>& loss, const Variables& variables,
                             int samples = 5) {
  // Rounding of the loss over the step, and the curvature that a step leaves out.
  constexpr double kStep = 1e-5, kRounding = 1e-9, kRelative = 1e-7;
  std::vector<torch::Tensor> leaves;
  for (const auto& [name, variable] : variables) leaves.push_back(variable);
  const std::vector<torch::Tensor> gradients =
      torch::autograd::grad({loss()}, leaves, {}, false, false, /*allow_unused=*/true);
  const torch::NoGradGuard no_grad;
  for (std::size_t v = 0; v < variables.size(); ++v) {
    const auto& [name, variable] = variables[v];
    ASSERT_TRUE(gradients[v].defined()) << name << ": nothing depends on it";
    const torch::Tensor gradient = gradients[v].contiguous().flatten();
    const double largest = gradient.abs().max().item<double>();
    EXPECT_GT(largest, 0) << name << ": nothing depends on it";
    double* values = variable.data_ptr<double>();
    const std::int64_t count = variable.numel();
    for (int s = 0; s < samples; ++s) {
      const std::int64_t at = samples == 1 ? 0 : s * (count - 1) / (samples - 1);
      const double kept = values[at];
      values[at] = kept + kStep;
      const double up = loss().item<double>();
      values[at] = kept - kStep;
      const double down = loss().item<double>();
      values[at] = kept;
      const double measured = (up - down) / (2 * kStep), said = gradient[at].item<double>();
      EXPECT_NEAR(said, measured, kRelative * std::max(largest, 1.0) + kRounding * std::abs(up))
          << name << "[" << at << "]";
    }
  }
}

}  // namespace moonbeam::train::testing
