#include "image/resample_weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace moonbeam::image {
namespace {

double sinc(double t) {
  if (t == 0) return 1;
  const double angle = t * std::numbers::pi;
  return std::sin(angle) / angle;
}

double lanczos(double t) {
  return t >= -3 && t < 3 ? sinc(t) * sinc(t / 3) : 0;
}

double bicubic(double t) {
  constexpr double kA = -0.5;  // of the cubic, as Pillow has it
  t = std::fabs(t);
  if (t < 1) return ((kA + 2) * t - (kA + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * kA;
  return 0;
}

std::int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << kWeightBits);
  return static_cast<std::int32_t>(scaled + (weight < 0 ? -0.5 : 0.5));
}

}  // namespace

ResampleWeights make_resample_weights(int inputs, int outputs, Filter filter) {
  const auto kernel = filter == Filter::kLanczos ? lanczos : bicubic;
  const double lobes = filter == Filter::kLanczos ? 3 : 2;
  const double scale = static_cast<double>(inputs) / outputs;
  const double filter_scale = std::max(scale, 1.0);
  const double support = lobes * filter_scale;
  const double inverse = 1 / filter_scale;

  ResampleWeights out;
  out.first.resize(static_cast<std::size_t>(outputs));
  out.count.resize(static_cast<std::size_t>(outputs));
  const auto centre = [&](int x) { return (x + 0.5) * scale; };
  for (int x = 0; x < outputs; ++x) {
    const auto i = static_cast<std::size_t>(x);
    out.first[i] = std::max(0, static_cast<int>(centre(x) - support + 0.5));
    out.count[i] = std::min(inputs, static_cast<int>(centre(x) + support + 0.5)) - out.first[i];
    out.taps = std::max(out.taps, out.count[i]);
  }

  out.weights.resize(static_cast<std::size_t>(outputs) * static_cast<std::size_t>(out.taps));
  std::vector<double> exact(static_cast<std::size_t>(out.taps));
  for (int x = 0; x < outputs; ++x) {
    const auto count = static_cast<std::size_t>(out.count[static_cast<std::size_t>(x)]);
    const int first = out.first[static_cast<std::size_t>(x)];
    double sum = 0;
    for (std::size_t j = 0; j < count; ++j) {
      exact[j] = kernel((static_cast<int>(j) + first - centre(x) + 0.5) * inverse);
      sum += exact[j];
    }
    std::int32_t* row = out.weights.data() + static_cast<std::size_t>(x) * static_cast<std::size_t>(out.taps);
    for (std::size_t j = 0; j < count; ++j) row[j] = to_fixed(sum != 0 ? exact[j] / sum : exact[j]);
  }
  return out;
}

}  // namespace moonbeam::image
