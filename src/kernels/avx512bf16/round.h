// Rounding to bf16 by the processor's own instruction, which takes denormals for zero.
#pragma once

#include "kernels/simd/vec16.h"

namespace moonbeam::kernels::avx512bf16 {

template <class Isa>
struct Round {
  MB_INLINE static __m256i round(simd::Vec16<Isa> v) {
    const __m256bh halves = _mm512_cvtneps_pbh(v.v);
    __m256i out;
    __builtin_memcpy(&out, &halves, sizeof out);
    return out;
  }
};

}  // namespace moonbeam::kernels::avx512bf16
