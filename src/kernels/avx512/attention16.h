// How AVX-512 without BF16 multiplies pairs of bf16: both are widened to f32.
#pragma once

#include <cstdint>

#include "kernels/avx512/vec.h"
#include "kernels/simd/attention16.h"

namespace moonbeam::kernels::avx512 {

struct Pairs {
  using V = Vec;
  using Element = float;
  using Half = Pairs;
  static constexpr bool kHasHalf = false;
  static constexpr int kRows = 5;
  static constexpr int kKeys = 4;
  static constexpr int kColumns = 4;
  struct Weights {
    V first, second;
  };
  struct Row {
    V first, second;
  };

  MB_INLINE static Weights load(const std::uint16_t* p) {
    const __m512i bits = _mm512_loadu_si512(p);
    return {as_floats(_mm512_slli_epi32(bits, 16)), as_floats(_mm512_and_si512(bits, high_halves()))};
  }
  MB_INLINE static Weights first_of_pair(Weights w) { return {w.first, V::zero()}; }
  MB_INLINE static Row row(const float* p) { return {V::all(p[0]), V::all(p[1])}; }
  MB_INLINE static V add(V sum, Row row, Weights w) {
    return V::fma(row.second, w.second, V::fma(row.first, w.first, sum));
  }

  MB_INLINE static V exp2(V x) { return simd::exp2_of_negative(x); }

  MB_INLINE static void store(V x, float* to) {
    as_floats(_mm512_and_si512(rounded(x), high_halves())).store(to);
  }
  MB_INLINE static void store_two(V a, V b, float* to) {
    store(a, to);
    store(b, to + V::kWidth);
  }
  MB_INLINE static void store_halves(V x, std::uint16_t* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), halves(x));
  }
  MB_INLINE static V join(V a, V b) {
    return as_floats(
        _mm512_or_si512(_mm512_srli_epi32(rounded(a), 16), _mm512_and_si512(rounded(b), high_halves())));
  }
  MB_INLINE static V pairs(V a, V b) {
    return as_floats(_mm512_inserti64x4(_mm512_castsi256_si512(halves(a)), halves(b), 1));
  }

 private:
  MB_INLINE static V as_floats(__m512i bits) { return {_mm512_castsi512_ps(bits)}; }
  MB_INLINE static __m512i high_halves() { return _mm512_set1_epi32(static_cast<int>(0xffff0000u)); }
  // Nearest even in the high halves; what is below them is no part of the result.
  MB_INLINE static __m512i rounded(V x) {
    const __m512i bits = _mm512_castps_si512(x.v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    return _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  }
  MB_INLINE static __m256i halves(V x) { return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded(x), 16)); }
};

}  // namespace moonbeam::kernels::avx512
