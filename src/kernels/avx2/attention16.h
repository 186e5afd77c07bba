// Lanes of simd/widened_pairs.h in 256 bits.
#pragma once

#include <cstdint>

#include "kernels/avx2/vec.h"
#include "kernels/simd/widened_pairs.h"

namespace moonbeam::kernels::avx2 {

struct Bits {
  static constexpr int kRegisters = 2;
  __m256i v;

  MB_INLINE static Bits all(std::uint32_t word) { return {_mm256_set1_epi32(static_cast<int>(word))}; }
  MB_INLINE static Bits load(const std::uint16_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  MB_INLINE static Bits of(Vec x) { return {_mm256_castps_si256(x.v)}; }
  MB_INLINE Vec floats() const { return {_mm256_castsi256_ps(v)}; }
  MB_INLINE Bits left16() const { return {_mm256_slli_epi32(v, 16)}; }
  MB_INLINE Bits right16() const { return {_mm256_srli_epi32(v, 16)}; }
  MB_INLINE friend Bits operator&(Bits a, Bits b) { return {_mm256_and_si256(a.v, b.v)}; }
  MB_INLINE friend Bits operator|(Bits a, Bits b) { return {_mm256_or_si256(a.v, b.v)}; }
  MB_INLINE friend Bits operator+(Bits a, Bits b) { return {_mm256_add_epi32(a.v, b.v)}; }
  MB_INLINE void store_high(std::uint16_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(high_of(*this, *this).v));
  }
  MB_INLINE static Bits high_of(Bits a, Bits b) {
    return {_mm256_permute4x64_epi64(_mm256_packus_epi32(a.right16().v, b.right16().v), 0xd8)};
  }
};

using Pairs = simd::WidenedPairs<Vec, Bits>;

}  // namespace moonbeam::kernels::avx2
