// How AVX-512 with BF16 multiplies pairs: in one instruction, without denormals.
#pragma once

#include <cstdint>

#include "kernels/avx512bf16/round.h"
#include "kernels/simd/attention16.h"
#include "kernels/simd/vec16.h"

namespace moonbeam::kernels::avx512bf16 {

template <class Isa>
struct HalfPairs {
  using V = simd::Vec8<Isa>;
  using Weights = __m256i;

  MB_INLINE static Weights load(const std::uint16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  MB_INLINE static Weights first_of_pair(Weights w) { return _mm256_and_si256(w, _mm256_set1_epi32(0xffff)); }
  MB_INLINE static __m256i row(const std::uint16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, 4);
    return _mm256_set1_epi32(pair);
  }
  MB_INLINE static V add(V sum, __m256i row, Weights w) {
    __m256bh pairs[2];
    __builtin_memcpy(&pairs[0], &row, sizeof row);
    __builtin_memcpy(&pairs[1], &w, sizeof w);
    return {_mm256_dpbf16_ps(sum.v, pairs[0], pairs[1])};
  }
};

template <class Isa>
struct Pairs {
  using V = simd::Vec16<Isa>;
  using Element = std::uint16_t;
  using Half = HalfPairs<Isa>;
  static constexpr bool kHasHalf = true;
  static constexpr int kRows = 5;
  static constexpr int kKeys = 4;
  static constexpr int kColumns = 5;  // 25 sums, 5 weights, 1 row of 32 registers
  using Weights = __m512i;
  using Row = __m512i;

  MB_INLINE static Weights load(const std::uint16_t* p) { return _mm512_loadu_si512(p); }
  MB_INLINE static Weights first_of_pair(Weights w) { return _mm512_and_si512(w, _mm512_set1_epi32(0xffff)); }
  MB_INLINE static Row row(const std::uint16_t* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, 4);
    return _mm512_set1_epi32(pair);
  }
  MB_INLINE static V add(V sum, Row row, Weights w) {
    return {_mm512_dpbf16_ps(sum.v, as_pairs(row), as_pairs(w))};
  }

  // 2^(x - floor x) by a polynomial of degree 4 (minimax, 2.6e-6), times 2^(floor x); 0 far below zero.
  MB_INLINE static V exp2(V x) {
    const V r = {_mm512_reduce_ps(x.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
    V p = V::fma(V::all(0.0135341679f), r, V::all(0.0520114606f));
    p = V::fma(p, r, V::all(0.241442757f));
    p = V::fma(p, r, V::all(0.693003834f));
    p = V::fma(p, r, V::all(1.00000259f));
    return {_mm512_scalef_ps(p.v, x.v)};
  }

  MB_INLINE static void store(V x, std::uint16_t* to) { store_halves(x, to); }
  MB_INLINE static void store_two(V a, V b, std::uint16_t* to) {
    const V both = pairs(a, b);
    __builtin_memcpy(to, &both.v, sizeof both.v);
  }
  MB_INLINE static void store_halves(V x, std::uint16_t* to) {
    const __m256bh halves = _mm512_cvtneps_pbh(x.v);
    __builtin_memcpy(to, &halves, sizeof halves);
  }
  MB_INLINE static V join(V a, V b) {
    const __m512i first = _mm512_cvtepu16_epi32(halves(a));
    const __m512i second = _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves(b)), 16);
    return {_mm512_castsi512_ps(_mm512_or_si512(first, second))};
  }
  MB_INLINE static V pairs(V a, V b) {
    const __m512bh joined = _mm512_cvtne2ps_pbh(b.v, a.v);
    V out;
    __builtin_memcpy(&out.v, &joined, sizeof joined);
    return out;
  }

 private:
  MB_INLINE static __m512bh as_pairs(__m512i bits) {
    __m512bh out;
    __builtin_memcpy(&out, &bits, sizeof out);
    return out;
  }
  MB_INLINE static __m256i halves(V x) { return Round<Isa>::round(x); }
};

}  // namespace moonbeam::kernels::avx512bf16
