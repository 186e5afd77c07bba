// SDOT by lane: four products of s8 at a time. For files compiled with its flag.
#pragma once

#include "kernels/neon/packed.h"

namespace moonbeam::kernels::neon {

template <class Isa>
struct DotProduct {
  template <int kLane>
  MB_INLINE static int32x4_t dot(int32x4_t sum, int8x16_t w, int8x16_t a) {
    return vdotq_laneq_s32(sum, w, a, kLane);
  }
  template <class... W>
  MB_INLINE static int32x4_t group(int32x4_t start, int8x16_t first, int8x16_t second, W... w) {
    const int8x16_t words[8] = {w...};
    int32x4_t other = vdupq_n_s32(0);
    simd::each<4>([&](auto i) __attribute__((always_inline)) {
      start = vdotq_laneq_s32(start, words[i.kValue], first, i.kValue);
      other = vdotq_laneq_s32(other, words[4 + i.kValue], second, i.kValue);
    });
    return vaddq_s32(start, other);
  }
};

}  // namespace moonbeam::kernels::neon
