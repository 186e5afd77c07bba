// Eight floats in a 256-bit register (AVX2, FMA, F16C). `Isa` is a type of the including folder's namespace:
// it keeps apart what the compiler makes of these functions under different flags.
#pragma once

#include <immintrin.h>

#include "kernels/simd/inline.h"

namespace moonbeam::kernels::simd {

template <class Isa>
struct Vec8 {
  static constexpr int kWidth = 8;
  __m256 v;

  MB_INLINE static Vec8 zero() { return {_mm256_setzero_ps()}; }
  MB_INLINE static Vec8 all(float x) { return {_mm256_set1_ps(x)}; }
  MB_INLINE static Vec8 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  MB_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }

  // The first n lanes, n in 1..8; nothing past them is touched, and the other lanes are 0.
  MB_INLINE static Vec8 load_first(const float* p, int n) { return {_mm256_maskload_ps(p, first_lanes(n))}; }
  MB_INLINE void store_first(float* p, int n) const { _mm256_maskstore_ps(p, first_lanes(n), v); }

  // Weights of each type, at any address.
  MB_INLINE static Vec8 load_f32(const std::byte* p) { return load(reinterpret_cast<const float*>(p)); }
  MB_INLINE static Vec8 load_bf16(const std::byte* p) { return widen_bf16(load_halves(p)); }
  MB_INLINE static Vec8 load_f16(const std::byte* p) { return {_mm256_cvtph_ps(load_halves(p))}; }
  MB_INLINE static Vec8 load_f32_first(const std::byte* p, int n) {
    return load_first(reinterpret_cast<const float*>(p), n);
  }
  MB_INLINE static Vec8 load_bf16_first(const std::byte* p, int n) {
    return widen_bf16(load_halves_first(p, n));
  }
  MB_INLINE static Vec8 load_f16_first(const std::byte* p, int n) {
    return {_mm256_cvtph_ps(load_halves_first(p, n))};
  }

  MB_INLINE friend Vec8 operator+(Vec8 a, Vec8 b) { return {_mm256_add_ps(a.v, b.v)}; }
  MB_INLINE friend Vec8 operator-(Vec8 a, Vec8 b) { return {_mm256_sub_ps(a.v, b.v)}; }
  MB_INLINE friend Vec8 operator*(Vec8 a, Vec8 b) { return {_mm256_mul_ps(a.v, b.v)}; }
  MB_INLINE friend Vec8 operator/(Vec8 a, Vec8 b) { return {_mm256_div_ps(a.v, b.v)}; }
  // a * b + c and c - a * b, rounded once.
  MB_INLINE static Vec8 fma(Vec8 a, Vec8 b, Vec8 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  MB_INLINE static Vec8 fnma(Vec8 a, Vec8 b, Vec8 c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
  // b where either is NaN.
  MB_INLINE static Vec8 max(Vec8 a, Vec8 b) { return {_mm256_max_ps(a.v, b.v)}; }
  MB_INLINE static Vec8 min(Vec8 a, Vec8 b) { return {_mm256_min_ps(a.v, b.v)}; }
  MB_INLINE static Vec8 round(Vec8 a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  // a * 2^n for whole n in -126..127.
  MB_INLINE static Vec8 times_power_of_two(Vec8 a, Vec8 n) {
    const __m256i exponent =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127)), 23);
    return {_mm256_mul_ps(a.v, _mm256_castsi256_ps(exponent))};
  }
  // Lanes from n on become `other`.
  MB_INLINE static Vec8 keep_first(Vec8 a, int n, Vec8 other) {
    return {_mm256_blendv_ps(other.v, a.v, _mm256_castsi256_ps(first_lanes(n)))};
  }

  MB_INLINE float sum() const {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  MB_INLINE float largest() const {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
  }

  // rows[i][j] becomes rows[j][i].
  MB_INLINE static void transpose(Vec8 (&rows)[8]) {
    __m256 pairs[8];  // two rows interleaved: 00 10 01 11 | 04 14 05 15, then 02 12 03 13 | ...
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
      pairs[i] = _mm256_unpacklo_ps(rows[i].v, rows[i + 1].v);
      pairs[i + 1] = _mm256_unpackhi_ps(rows[i].v, rows[i + 1].v);
    }
    __m256 fours[8];  // column j of rows 0..3 (or 4..7) in the low half, column j + 4 in the high half
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      rows[i].v = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
      rows[i + 4].v = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
    }
  }

 private:
  MB_INLINE static __m256i first_lanes(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  MB_INLINE static __m128i load_halves(const std::byte* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  MB_INLINE static __m128i load_halves_first(const std::byte* p, int n) {
    alignas(16) std::byte bytes[16] = {};
    __builtin_memcpy(bytes, p, static_cast<std::size_t>(n) * 2);
    return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
  }
  MB_INLINE static Vec8 widen_bf16(__m128i halves) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16))};
  }
};

}  // namespace moonbeam::kernels::simd
