#include "train/optim/schedule.h"

#include <algorithm>

namespace moonbeam::train {

double rate_at(const Stage& stage, std::int64_t step, double progress) {
  const double line = stage.rate + (stage.rate_end - stage.rate) * std::clamp(progress, 0.0, 1.0);
  if (step >= stage.warm_up) return line;
  return line * static_cast<double>(step + 1) / static_cast<double>(stage.warm_up);
}

std::array<double, kGroups> rates_at(const Stage& stage, std::int64_t step, double progress) {
  std::array<double, kGroups> rates{};
  const double rate = rate_at(stage, step, progress);
  for (std::size_t g = 0; g < rates.size(); ++g) rates[g] = rate * stage.factor[g];
  return rates;
}

}  // namespace moonbeam::train
