// Sixteen floats in a 512-bit register (AVX-512 F, BW, DQ, VL). `Isa` as in vec8.h.
#pragma once

#include "kernels/simd/vec8.h"

namespace moonbeam::kernels::simd {

/// The same members as Vec8.
template <class Isa>
struct Vec16 {
  static constexpr int kWidth = 16;
  __m512 v;

  MB_INLINE static Vec16 zero() { return {_mm512_setzero_ps()}; }
  MB_INLINE static Vec16 all(float x) { return {_mm512_set1_ps(x)}; }
  MB_INLINE static Vec16 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  MB_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }

  MB_INLINE static Vec16 load_first(const float* p, int n) {
    return {_mm512_maskz_loadu_ps(first_lanes(n), p)};
  }
  MB_INLINE void store_first(float* p, int n) const { _mm512_mask_storeu_ps(p, first_lanes(n), v); }

  MB_INLINE static Vec16 load_f32(const std::byte* p) { return {_mm512_loadu_ps(p)}; }
  MB_INLINE static Vec16 load_bf16(const std::byte* p) { return widen_bf16(load_halves(p)); }
  MB_INLINE static Vec16 load_f16(const std::byte* p) { return {_mm512_cvtph_ps(load_halves(p))}; }
  MB_INLINE static Vec16 load_f32_first(const std::byte* p, int n) {
    return {_mm512_maskz_loadu_ps(first_lanes(n), p)};
  }
  MB_INLINE static Vec16 load_bf16_first(const std::byte* p, int n) {
    return widen_bf16(load_halves_first(p, n));
  }
  MB_INLINE static Vec16 load_f16_first(const std::byte* p, int n) {
    return {_mm512_cvtph_ps(load_halves_first(p, n))};
  }

  MB_INLINE friend Vec16 operator+(Vec16 a, Vec16 b) { return {_mm512_add_ps(a.v, b.v)}; }
  MB_INLINE friend Vec16 operator-(Vec16 a, Vec16 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  MB_INLINE friend Vec16 operator*(Vec16 a, Vec16 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  MB_INLINE friend Vec16 operator/(Vec16 a, Vec16 b) { return {_mm512_div_ps(a.v, b.v)}; }
  MB_INLINE static Vec16 fma(Vec16 a, Vec16 b, Vec16 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  MB_INLINE static Vec16 fnma(Vec16 a, Vec16 b, Vec16 c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
  MB_INLINE static Vec16 max(Vec16 a, Vec16 b) { return {_mm512_max_ps(a.v, b.v)}; }
  MB_INLINE static Vec16 min(Vec16 a, Vec16 b) { return {_mm512_min_ps(a.v, b.v)}; }
  MB_INLINE static Vec16 round(Vec16 a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  MB_INLINE static Vec16 times_power_of_two(Vec16 a, Vec16 n) { return {_mm512_scalef_ps(a.v, n.v)}; }
  MB_INLINE static Vec16 keep_first(Vec16 a, int n, Vec16 other) {
    return {_mm512_mask_blend_ps(first_lanes(n), other.v, a.v)};
  }

  MB_INLINE float sum() const {
    return Vec8<Isa>{_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1))}.sum();
  }
  MB_INLINE float largest() const {
    return Vec8<Isa>{_mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1))}.largest();
  }

  MB_INLINE static void transpose(Vec16 (&rows)[16]) {
    __m512 pairs[16];  // within each 128-bit part as in simd::Vec8
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
      pairs[i] = _mm512_unpacklo_ps(rows[i].v, rows[i + 1].v);
      pairs[i + 1] = _mm512_unpackhi_ps(rows[i].v, rows[i + 1].v);
    }
    __m512 fours[16];  // fours[4 g + j]: column 4 p + j of rows 4 g .. 4 g + 3 in part p
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
      fours[i] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      fours[i + 1] = _mm512_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      fours[i + 2] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      fours[i + 3] = _mm512_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      // Parts 0 and 2 (even) or 1 and 3 (odd) of two groups of rows, then of all four.
      const __m512 even_low = _mm512_shuffle_f32x4(fours[j], fours[j + 4], 0x88);
      const __m512 even_high = _mm512_shuffle_f32x4(fours[j + 8], fours[j + 12], 0x88);
      const __m512 odd_low = _mm512_shuffle_f32x4(fours[j], fours[j + 4], 0xdd);
      const __m512 odd_high = _mm512_shuffle_f32x4(fours[j + 8], fours[j + 12], 0xdd);
      rows[j].v = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
      rows[j + 4].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
      rows[j + 8].v = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
      rows[j + 12].v = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
    }
  }

 private:
  // n in 1..16.
  MB_INLINE static __mmask16 first_lanes(int n) {
    return static_cast<__mmask16>((1u << n) - 1u);
  }
  MB_INLINE static __m256i load_halves(const std::byte* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  MB_INLINE static __m256i load_halves_first(const std::byte* p, int n) {
    return _mm256_maskz_loadu_epi16(first_lanes(n), p);
  }
  MB_INLINE static Vec16 widen_bf16(__m256i halves) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16))};
  }
};

}  // namespace moonbeam::kernels::simd
