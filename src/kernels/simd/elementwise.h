// Layer norm, GELU and add on vectors `V` of the including folder.
#pragma once

#include "kernels/simd/inline.h"

namespace moonbeam::kernels::simd {

// e^x with x held in -87..88; NaN stays NaN. Largest relative error about 1e-7: n ln 2 is taken off in two
// steps, and what is left, r in +-0.3466, goes through 1 + r + r^2 p(r), p of degree 4 (minimax, 3e-9).
template <class V>
MB_INLINE V exp(V x) {
  x = V::min(V::all(88.0f), V::max(V::all(-87.0f), x));
  const V n = V::round(x * V::all(1.44269504f));
  V r = V::fnma(n, V::all(0.693147182f), x);
  r = V::fnma(n, V::all(-1.90465430e-9f), r);
  V p = V::fma(V::all(0.0013814539f), r, V::all(0.008368745f));
  p = V::fma(p, r, V::all(0.04166839f));
  p = V::fma(p, r, V::all(0.16666521f));
  p = V::fma(p, r, V::all(0.49999994f));
  p = V::fma(p, r * r, r) + V::all(1.0f);
  return V::times_power_of_two(p, n);
}

// x / (1 + e^(-2 sqrt(2/pi) (x + 0.044715 x^3))): the tanh form without a tanh.
template <class V>
MB_INLINE V gelu_of(V x) {
  const V cubic = V::fma(V::all(-0.0713548163f) * x, x, V::all(-1.59576912f));
  return x / (V::all(1.0f) + exp(cubic * x));
}

template <class V>
void gelu(float* x, int n) noexcept {
  int i = 0;
  for (; i + V::kWidth <= n; i += V::kWidth) gelu_of(V::load(x + i)).store(x + i);
  if (i < n) gelu_of(V::load_first(x + i, n - i)).store_first(x + i, n - i);
}

template <class V>
void add(const float* x, float* out, int n) noexcept {
  int i = 0;
  for (; i + V::kWidth <= n; i += V::kWidth) (V::load(out + i) + V::load(x + i)).store(out + i);
  if (i < n) (V::load_first(out + i, n - i) + V::load_first(x + i, n - i)).store_first(out + i, n - i);
}

// Sum over the row of f(x[i]), a vector wide, in 4 parts so that additions do not wait for each other.
template <class V, class F>
MB_INLINE float row_sum(const float* x, int n, F f) {
  V parts[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  int i = 0;
  for (; i + 4 * V::kWidth <= n; i += 4 * V::kWidth) {
#pragma GCC unroll 4
    for (int p = 0; p < 4; ++p) parts[p] = parts[p] + f(V::load(x + i + p * V::kWidth));
  }
  for (; i + V::kWidth <= n; i += V::kWidth) parts[0] = parts[0] + f(V::load(x + i));
  if (i < n) parts[1] = parts[1] + V::keep_first(f(V::load_first(x + i, n - i)), n - i, V::zero());
  return ((parts[0] + parts[1]) + (parts[2] + parts[3])).sum();
}

template <class V>
void layer_norm(const float* x, const float* weight, const float* bias, float* out, int rows, int width,
                float eps) noexcept {
  const float inverse = 1.0f / static_cast<float>(width);
  for (int r = 0; r < rows; ++r, x += width, out += width) {
    const V mean = V::all(row_sum<V>(x, width, [](V v) { return v; }) * inverse);
    const float variance = row_sum<V>(x, width, [mean](V v) { return (v - mean) * (v - mean); }) * inverse;
    const V scale = V::all(1.0f / __builtin_sqrtf(variance + eps));
    int i = 0;
    for (; i + V::kWidth <= width; i += V::kWidth) {
      V::fma((V::load(x + i) - mean) * scale, V::load(weight + i), V::load(bias + i)).store(out + i);
    }
    if (i < width) {
      const int n = width - i;
      V::fma((V::load_first(x + i, n) - mean) * scale, V::load_first(weight + i, n),
             V::load_first(bias + i, n))
          .store_first(out + i, n);
    }
  }
}

}  // namespace moonbeam::kernels::simd
