// How AVX2 multiplies pairs of bf16: both are widened to f32.
#pragma once

#include <cstdint>

#include "kernels/avx2/vec.h"
#include "kernels/simd/attention16.h"

namespace moonbeam::kernels::avx2 {

struct Pairs {
  using V = Vec;
  using Element = float;
  using Half = Pairs;
  static constexpr bool kHasHalf = false;
  static constexpr int kRows = 5;
  static constexpr int kKeys = 2;
  static constexpr int kColumns = 2;
  struct Weights {
    V first, second;
  };
  struct Row {
    V first, second;
  };

  MB_INLINE static Weights load(const std::uint16_t* p) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return {as_floats(_mm256_slli_epi32(bits, 16)), as_floats(_mm256_and_si256(bits, high_halves()))};
  }
  MB_INLINE static Weights first_of_pair(Weights w) { return {w.first, V::zero()}; }
  MB_INLINE static Row row(const float* p) { return {V::all(p[0]), V::all(p[1])}; }
  MB_INLINE static V add(V sum, Row row, Weights w) {
    return V::fma(row.second, w.second, V::fma(row.first, w.first, sum));
  }

  MB_INLINE static V exp2(V x) { return simd::exp2_of_negative(x); }

  MB_INLINE static void store(V x, float* to) {
    as_floats(_mm256_and_si256(rounded(x), high_halves())).store(to);
  }
  MB_INLINE static void store_two(V a, V b, float* to) {
    store(a, to);
    store(b, to + V::kWidth);
  }
  MB_INLINE static void store_halves(V x, std::uint16_t* to) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(halves(x, x)));
  }
  MB_INLINE static V join(V a, V b) {
    return as_floats(
        _mm256_or_si256(_mm256_srli_epi32(rounded(a), 16), _mm256_and_si256(rounded(b), high_halves())));
  }
  MB_INLINE static V pairs(V a, V b) { return as_floats(halves(a, b)); }

 private:
  MB_INLINE static V as_floats(__m256i bits) { return {_mm256_castsi256_ps(bits)}; }
  MB_INLINE static __m256i high_halves() { return _mm256_set1_epi32(static_cast<int>(0xffff0000u)); }
  // Nearest even in the high halves; what is below them is no part of the result.
  MB_INLINE static __m256i rounded(V x) {
    const __m256i bits = _mm256_castps_si256(x.v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  }
  MB_INLINE static __m256i halves(V a, V b) {
    const __m256i packed =
        _mm256_packus_epi32(_mm256_srli_epi32(rounded(a), 16), _mm256_srli_epi32(rounded(b), 16));
    return _mm256_permute4x64_epi64(packed, 0xd8);
  }
};

}  // namespace moonbeam::kernels::avx2
