// Layer norm and the functions of one value at a time, with sums in double.
#include <cmath>

#include "kernels/scalar/scalar.h"

namespace moonbeam::kernels::scalar {

void layer_norm(const float* x, const float* weight, const float* bias, float* out, int rows, int width,
                float eps) noexcept {
  for (int r = 0; r < rows; ++r, x += width, out += width) {
    double sum = 0;
    for (int i = 0; i < width; ++i) sum += x[i];
    const double mean = sum / width;
    double squares = 0;
    for (int i = 0; i < width; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double scale = 1 / std::sqrt(squares / width + static_cast<double>(eps));
    for (int i = 0; i < width; ++i) {
      out[i] = static_cast<float>((x[i] - mean) * scale * weight[i] + bias[i]);
    }
  }
}

void gelu(float* x, int n) noexcept {
  // 0.5 v (1 + tanh(u)) = v / (1 + e^-2u), without the cancellation where tanh nears -1. Twice sqrt(2 / pi).
  constexpr double kScale = 1.5957691216057308;
  for (int i = 0; i < n; ++i) {
    const double v = x[i];
    x[i] = static_cast<float>(v / (1 + std::exp(-kScale * (v + 0.044715 * v * v * v))));
  }
}

void add(const float* x, float* out, int n) noexcept {
  for (int i = 0; i < n; ++i) out[i] += x[i];
}

}  // namespace moonbeam::kernels::scalar
