// Lanes of simd/widened_pairs.h in 512 bits.
#pragma once

#include <cstdint>

#include "kernels/avx512/vec.h"
#include "kernels/simd/widened_pairs.h"

namespace moonbeam::kernels::avx512 {

struct Bits {
  static constexpr int kRegisters = 4;
  __m512i v;

  MB_INLINE static Bits all(std::uint32_t word) { return {_mm512_set1_epi32(static_cast<int>(word))}; }
  MB_INLINE static Bits load(const std::uint16_t* p) { return {_mm512_loadu_si512(p)}; }
  MB_INLINE static Bits of(Vec x) { return {_mm512_castps_si512(x.v)}; }
  MB_INLINE Vec floats() const { return {_mm512_castsi512_ps(v)}; }
  MB_INLINE Bits left16() const { return {_mm512_slli_epi32(v, 16)}; }
  MB_INLINE Bits right16() const { return {_mm512_srli_epi32(v, 16)}; }
  MB_INLINE friend Bits operator&(Bits a, Bits b) { return {_mm512_and_si512(a.v, b.v)}; }
  MB_INLINE friend Bits operator|(Bits a, Bits b) { return {_mm512_or_si512(a.v, b.v)}; }
  MB_INLINE friend Bits operator+(Bits a, Bits b) { return {_mm512_add_epi32(a.v, b.v)}; }
  MB_INLINE void store_high(std::uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), high());
  }
  MB_INLINE static Bits high_of(Bits a, Bits b) {
    return {_mm512_inserti64x4(_mm512_castsi256_si512(a.high()), b.high(), 1)};
  }

 private:
  MB_INLINE __m256i high() const { return _mm512_cvtepi32_epi16(right16().v); }
};

using Pairs = simd::WidenedPairs<Vec, Bits>;

}  // namespace moonbeam::kernels::avx512
