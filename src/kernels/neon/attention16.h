// Attention in bf16 on ARM: lanes of simd/widened_pairs.h, and products of pairs by BFDOT where there.
#pragma once

#include <cstdint>

#include "kernels/neon/vec.h"
#include "kernels/simd/widened_pairs.h"

namespace moonbeam::kernels::neon {

template <class Isa>
struct Bits {
  using Vec = Vec8<Isa>;
  static constexpr int kRegisters = 2;  // 20 sums, 8 weights, 2 of a row of 32 registers of 128 bits
  uint32x4_t low, high;

  MB_INLINE static Bits all(std::uint32_t word) { return {vdupq_n_u32(word), vdupq_n_u32(word)}; }
  MB_INLINE static Bits load(const std::uint16_t* p) {
    return {vreinterpretq_u32_u16(vld1q_u16(p)), vreinterpretq_u32_u16(vld1q_u16(p + 8))};
  }
  MB_INLINE static Bits of(Vec x) { return {vreinterpretq_u32_f32(x.low), vreinterpretq_u32_f32(x.high)}; }
  MB_INLINE Vec floats() const { return {vreinterpretq_f32_u32(low), vreinterpretq_f32_u32(high)}; }
  MB_INLINE Bits left16() const { return {vshlq_n_u32(low, 16), vshlq_n_u32(high, 16)}; }
  MB_INLINE Bits right16() const { return {vshrq_n_u32(low, 16), vshrq_n_u32(high, 16)}; }
  MB_INLINE friend Bits operator&(Bits a, Bits b) {
    return {vandq_u32(a.low, b.low), vandq_u32(a.high, b.high)};
  }
  MB_INLINE friend Bits operator|(Bits a, Bits b) {
    return {vorrq_u32(a.low, b.low), vorrq_u32(a.high, b.high)};
  }
  MB_INLINE friend Bits operator+(Bits a, Bits b) {
    return {vaddq_u32(a.low, b.low), vaddq_u32(a.high, b.high)};
  }
  MB_INLINE void store_high(std::uint16_t* p) const { vst1q_u16(p, halves()); }
  MB_INLINE static Bits high_of(Bits a, Bits b) {
    return {vreinterpretq_u32_u16(a.halves()), vreinterpretq_u32_u16(b.halves())};
  }

 private:
  MB_INLINE uint16x8_t halves() const { return vshrn_high_n_u32(vshrn_n_u32(low, 16), high, 16); }
};

template <class Isa>
using Pairs = simd::WidenedPairs<Vec8<Isa>, Bits<Isa>>;

#ifdef __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
// BFDOT rounds the sum of two products to odd and takes denormals for zero.
template <class Isa>
struct DotPairs : Pairs<Isa> {
  using V = Vec8<Isa>;
  using Element = std::uint16_t;
  using Half = DotPairs;
  struct Weights {
    bfloat16x8_t low, high;
  };
  using Row = bfloat16x8_t;

  MB_INLINE static Weights load(const std::uint16_t* p) {
    return {vreinterpretq_bf16_u16(vld1q_u16(p)), vreinterpretq_bf16_u16(vld1q_u16(p + 8))};
  }
  MB_INLINE static Weights first_of_pair(Weights w) { return {first(w.low), first(w.high)}; }
  MB_INLINE static Row row(const std::uint16_t* p) {
    std::uint32_t pair;
    __builtin_memcpy(&pair, p, 4);
    return vreinterpretq_bf16_u32(vdupq_n_u32(pair));
  }
  MB_INLINE static V add(V sum, Row row, Weights w) {
    return {vbfdotq_f32(sum.low, row, w.low), vbfdotq_f32(sum.high, row, w.high)};
  }
  MB_INLINE static void store(V x, std::uint16_t* to) { Pairs<Isa>::store_halves(x, to); }
  MB_INLINE static void store_two(V a, V b, std::uint16_t* to) {
    store(a, to);
    store(b, to + V::kWidth);
  }

 private:
  MB_INLINE static bfloat16x8_t first(bfloat16x8_t w) {
    return vreinterpretq_bf16_u32(vandq_u32(vreinterpretq_u32_bf16(w), vdupq_n_u32(0xffff)));
  }
};
#endif

}  // namespace moonbeam::kernels::neon
