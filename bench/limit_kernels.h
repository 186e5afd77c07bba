// The measuring loops over vectors `V` of one instruction set; included by one file for each.
#pragma once

#include "kernels/simd/vec8.h"
#include "machine_limits.h"

namespace moonbeam::bench {

template <class V>
float fma_loop(std::int64_t steps) {
  V sums[kFmaSums];
  for (int i = 0; i < kFmaSums; ++i) sums[i] = V::all(static_cast<float>(i));
  const V a = V::all(0.999f);
  const V b = V::all(0.001f);
  for (std::int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < kFmaSums; ++i) sums[i] = V::fma(sums[i], a, b);
  }
  V total = sums[0];
  for (int i = 1; i < kFmaSums; ++i) total = total + sums[i];
  return total.sum();
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

}  // namespace moonbeam::bench
