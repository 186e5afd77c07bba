#include "eval/metrics/rate.h"

#include <algorithm>

#include "data/scenes/random.h"

namespace moonbeam::eval {

namespace {

constexpr int kResamples = 1000;
constexpr std::uint64_t kSeed = 0x6576616c;

}  // namespace

void Rate::add(double part, double whole) {
  if (whole <= 0) return;
  pictures_.push_back({part, whole});
  part_ += part;
  whole_ += whole;
}

double Rate::value() const {
  return whole_ > 0 ? part_ / whole_ : 0;
}

Interval Rate::interval() const {
  if (pictures_.empty()) return {};
  std::vector<double> values;
  data::Stream stream(kSeed, 0, pictures_.size(), data::Part::kQuestions);
  for (int i = 0; i < kResamples; ++i) {
    double part = 0, whole = 0;
    for (std::size_t k = 0; k < pictures_.size(); ++k) {
      const Picture& one = pictures_[stream.below(static_cast<std::uint32_t>(pictures_.size()))];
      part += one.part;
      whole += one.whole;
    }
    values.push_back(part / whole);
  }
  std::sort(values.begin(), values.end());
  return {values[kResamples / 40], values[kResamples - 1 - kResamples / 40]};
}

}  // namespace moonbeam::eval
