// The measuring loops over vectors `V` of one instruction set; included by one file for each.
#pragma once

#include "kernels/simd/inline.h"
#include "limits/machine_limits.h"

namespace moonbeam::limits {

// `step(sum)` continues one sum.
template <class V, class Step>
MB_INLINE float peak_loop(std::int64_t steps, Step step) {
  V sums[kPeakSums];
  for (int i = 0; i < kPeakSums; ++i) sums[i] = V::all(static_cast<float>(i));
  for (std::int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < kPeakSums; ++i) sums[i] = step(sums[i]);
  }
  V total = sums[0];
  for (int i = 1; i < kPeakSums; ++i) total = total + sums[i];
  return total.sum();
}

template <class V>
float fma_loop(std::int64_t steps) {
  const V a = V::all(0.999f);
  const V b = V::all(0.001f);
  return peak_loop<V>(
      steps, [&](V sum) __attribute__((always_inline)) { return V::fma(sum, a, b); });
}

// `v` might have changed: products of it cannot be taken out of a loop.
template <class V>
MB_INLINE void unknown(V& v) {
#ifdef __aarch64__
  asm("" : "+w"(v.low), "+w"(v.high));
#else
  asm("" : "+v"(v.v));
#endif
}

// P::dot(sum, a, b) multiplies and adds the bytes of whole registers, which V holds as floats.
template <class V, class P>
float bytes_loop(std::int64_t steps) {
  V a = V::all(static_cast<float>(steps));
  const V b = V::all(static_cast<float>(steps + 1));
  return peak_loop<V>(
      steps, [&](V sum) __attribute__((always_inline)) {
        unknown(a);
        return P::dot(sum, a, b);
      });
}

// Four streams a page apart, each with the next page's same line fetched ahead: faster by a fifth than one
// stream left to the processor, whose own prefetching stops at the end of each page.
template <class V>
float read_loop(const float* from, std::size_t n) {
  constexpr std::size_t kPage = 1024;
  constexpr std::size_t kLine = 16;
  V sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  for (std::size_t page = 0; page < n; page += 4 * kPage) {
    for (std::size_t at = page; at < page + kPage; at += kLine) {
#pragma GCC unroll 4
      for (std::size_t s = 0; s < 4; ++s) {
        __builtin_prefetch(from + at + (s + 4) * kPage, 0, 2);
#pragma GCC unroll 2
        for (std::size_t i = 0; i < kLine; i += V::kWidth)
          sums[s] = sums[s] + V::load(from + at + s * kPage + i);
      }
    }
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum();
}

}  // namespace moonbeam::limits
