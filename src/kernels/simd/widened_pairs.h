// How instruction sets without products of bf16 multiply pairs for attention16.h: both are widened to f32.
//
// `Bits`: the 32-bit lanes of a register, with & | +, left16(), right16(), all(word), load(p), of(V),
// floats(); store_high(p) and high_of(a, b) take the upper halves of the lanes. kRegisters: of columns in a
// tile.
#pragma once

#include <cstdint>

#include "kernels/simd/attention16.h"

namespace moonbeam::kernels::simd {

template <class Vec, class Bits>
struct WidenedPairs {
  using V = Vec;
  using Element = float;
  using Half = WidenedPairs;
  static constexpr bool kHasHalf = false;
  static constexpr int kRows = 5;
  static constexpr int kKeys = Bits::kRegisters;
  static constexpr int kColumns = Bits::kRegisters;
  struct Weights {
    V first, second;
  };
  struct Row {
    V first, second;
  };

  MB_INLINE static Weights load(const std::uint16_t* p) {
    const Bits bits = Bits::load(p);
    return {bits.left16().floats(), (bits & high()).floats()};
  }
  MB_INLINE static Weights first_of_pair(Weights w) { return {w.first, V::zero()}; }
  MB_INLINE static Row row(const float* p) { return {V::all(p[0]), V::all(p[1])}; }
  MB_INLINE static V add(V sum, Row row, Weights w) {
    return V::fma(row.second, w.second, V::fma(row.first, w.first, sum));
  }

  MB_INLINE static V exp2(V x) { return exp2_of_negative(x); }

  MB_INLINE static void store(V x, float* to) { (rounded(x) & high()).floats().store(to); }
  MB_INLINE static void store_two(V a, V b, float* to) {
    store(a, to);
    store(b, to + V::kWidth);
  }
  MB_INLINE static void store_halves(V x, std::uint16_t* to) { rounded(x).store_high(to); }
  MB_INLINE static V join(V a, V b) { return (rounded(a).right16() | (rounded(b) & high())).floats(); }
  MB_INLINE static V pairs(V a, V b) { return Bits::high_of(rounded(a), rounded(b)).floats(); }

 private:
  MB_INLINE static Bits high() { return Bits::all(0xffff0000u); }
  // Nearest even in the high halves; what is below them is no part of the result.
  MB_INLINE static Bits rounded(V x) {
    const Bits bits = Bits::of(x);
    return bits + (bits.right16() & Bits::all(1)) + Bits::all(0x7fff);
  }
};

}  // namespace moonbeam::kernels::simd
