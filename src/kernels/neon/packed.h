// The registers of simd/packed8.h on ARM: each is a pair of 128-bit ones. `Dot` multiplies s8 by s8.
#pragma once

#include "kernels/neon/vec.h"
#include "kernels/simd/packed8.h"

namespace moonbeam::kernels::neon {

template <class Isa>
struct Ints8 {
  int32x4_t low, high;

  MB_INLINE static Ints8 zero() { return all(0); }
  MB_INLINE static Ints8 all(std::int32_t x) { return {vdupq_n_s32(x), vdupq_n_s32(x)}; }
  MB_INLINE static Ints8 load(const std::int32_t* p) { return {vld1q_s32(p), vld1q_s32(p + 4)}; }
  MB_INLINE void store(std::int32_t* p) const {
    vst1q_s32(p, low);
    vst1q_s32(p + 4, high);
  }
  // Half to even.
  MB_INLINE static Ints8 round(Vec8<Isa> x) { return {vcvtnq_s32_f32(x.low), vcvtnq_s32_f32(x.high)}; }
  MB_INLINE Vec8<Isa> to_float() const { return {vcvtq_f32_s32(low), vcvtq_f32_s32(high)}; }
  MB_INLINE friend Ints8 operator+(Ints8 a, Ints8 b) {
    return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)};
  }
  MB_INLINE friend Ints8 operator*(Ints8 a, Ints8 b) {
    return {vmulq_s32(a.low, b.low), vmulq_s32(a.high, b.high)};
  }
  MB_INLINE std::int32_t sum() const { return vaddvq_s32(vaddq_s32(low, high)); }
};

// Words of four bytes of R rows; nothing past them is read.
template <int R>
struct WordRows {
  int8x16_t fours[(R + 3) / 4];

  MB_INLINE static WordRows load(const std::byte* p) {
    const auto* bytes = reinterpret_cast<const std::int8_t*>(p);
    WordRows rows;
    for (int i = 0; i < R / 4; ++i) rows.fours[i] = vld1q_s8(bytes + 16 * i);
    constexpr int kRest = R % 4;
    const std::int8_t* rest = bytes + 16 * (R / 4);
    if constexpr (kRest == 1) rows.fours[R / 4] = vcombine_s8(word(rest), vdup_n_s8(0));
    if constexpr (kRest == 2) rows.fours[R / 4] = vcombine_s8(vld1_s8(rest), vdup_n_s8(0));
    if constexpr (kRest == 3) rows.fours[R / 4] = vcombine_s8(vld1_s8(rest), word(rest + 8));
    return rows;
  }

 private:
  MB_INLINE static int8x8_t word(const std::int8_t* p) {
    std::int32_t value;
    __builtin_memcpy(&value, p, 4);
    return vreinterpret_s8_s32(vdup_n_s32(value));
  }
};

template <class IsaType, class Dot>
struct Packed {
  using Isa = IsaType;
  using Vec = Vec8<Isa>;
  using Ints = Ints8<Isa>;
  static constexpr int kOffset = 128;
  static constexpr int kUnit = 4;
  static constexpr int kBF16Unit = 4;
  static constexpr bool kHasInt8Sums = false;
  static constexpr int kInt8Rows = 6;
  static constexpr int kBlockWords = 256;
  static constexpr int registers(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : 2; }
  static constexpr int bf16_registers(int rows) { return registers(rows); }

  template <int R>
  MB_INLINE static WordRows<R> rows(const std::byte* a) {
    return WordRows<R>::load(a);
  }

  struct Bytes {
    int8x16_t low, high;  // columns 0..3 and 4..7
  };
  using Weights = Bytes;
  MB_INLINE static Bytes weights(const std::byte* p) {
    const auto* bytes = reinterpret_cast<const std::int8_t*>(p);
    return {vld1q_s8(bytes), vld1q_s8(bytes + 16)};
  }
  template <int r, class Rows>
  MB_INLINE static Ints dot(Ints sum, Bytes w, const Rows& rows) {
    return {Dot::template dot<r % 4>(sum.low, w.low, rows.fours[r / 4]),
            Dot::template dot<r % 4>(sum.high, w.high, rows.fours[r / 4])};
  }

  struct Nibbles {
    Bytes low, high;
  };
  MB_INLINE static Nibbles nibbles(const std::byte* p) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(p);
    const uint8x16_t a = vld1q_u8(bytes), b = vld1q_u8(bytes + 16), bits = vdupq_n_u8(15);
    return {{vreinterpretq_s8_u8(vandq_u8(a, bits)), vreinterpretq_s8_u8(vandq_u8(b, bits))},
            {vreinterpretq_s8_u8(vshrq_n_u8(a, 4)), vreinterpretq_s8_u8(vshrq_n_u8(b, 4))}};
  }
  MB_INLINE static Ints dot_group(const Nibbles (&w)[4], const std::byte* a, Ints start) {
    const auto* bytes = reinterpret_cast<const std::int8_t*>(a);
    const int8x16_t first = vld1q_s8(bytes), second = vld1q_s8(bytes + 16);
    return {Dot::group(start.low, first, second, w[0].low.low, w[0].high.low, w[1].low.low, w[1].high.low,
                       w[2].low.low, w[2].high.low, w[3].low.low, w[3].high.low),
            Dot::group(start.high, first, second, w[0].low.high, w[0].high.high, w[1].low.high,
                       w[1].high.high, w[2].low.high, w[2].high.high, w[3].low.high, w[3].high.high)};
  }

  // 32 k of 8 columns: (16 q m + 2^14) >> 15. `ratio`: m of each column. Returns the sums of the columns.
  MB_INLINE static Ints widen_group(const std::byte* from, Ints ratio, std::byte* to) {
    const auto both = [](int32x4_t m) {
      return vreinterpretq_s16_s32(vorrq_s32(vandq_s32(m, vdupq_n_s32(0xffff)), vshlq_n_s32(m, 16)));
    };
    const int16x8_t low = both(ratio.low), high = both(ratio.high);
    Ints sum = Ints::zero();
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const Nibbles n = nibbles(from + j * 4 * kPanel);
      std::byte* first = to + 2 * j * 4 * kPanel;
      std::byte* second = first + 4 * kPanel;
      sum.low = vaddq_s32(sum.low, widen_word(n.low.low, low, first));
      sum.high = vaddq_s32(sum.high, widen_word(n.low.high, high, first + 16));
      sum.low = vaddq_s32(sum.low, widen_word(n.high.low, low, second));
      sum.high = vaddq_s32(sum.high, widen_word(n.high.high, high, second + 16));
    }
    return sum;
  }
  MB_INLINE static int32x4_t widen_word(int8x16_t nibbles, int16x8_t m, std::byte* to) {
    const int16x8_t lanes = vreinterpretq_s16_s8(nibbles), bits = vdupq_n_s16(255);
    const int16x8_t even = widen_lanes(vandq_s16(lanes, bits), m);
    const int16x8_t odd = widen_lanes(vshrq_n_s16(lanes, 8), m);
    const int16x8_t q = vorrq_s16(vandq_s16(even, bits), vshlq_n_s16(odd, 8));
    vst1q_s8(reinterpret_cast<std::int8_t*>(to), vreinterpretq_s8_s16(q));
    return vpaddlq_s16(vaddq_s16(even, odd));
  }
  MB_INLINE static int16x8_t widen_lanes(int16x8_t x, int16x8_t m) {
    return vqrdmulhq_s16(vsubq_s16(vshlq_n_s16(x, 4), vdupq_n_s16(128)), m);
  }

  MB_INLINE static Vec bf16_even(const std::byte* p) {
    const auto* words = reinterpret_cast<const std::uint32_t*>(p);
    return {vreinterpretq_f32_u32(vshlq_n_u32(vld1q_u32(words), 16)),
            vreinterpretq_f32_u32(vshlq_n_u32(vld1q_u32(words + 4), 16))};
  }
  MB_INLINE static Vec bf16_odd(const std::byte* p) {
    const auto* words = reinterpret_cast<const std::uint32_t*>(p);
    const uint32x4_t high = vdupq_n_u32(0xffff0000u);
    return {vreinterpretq_f32_u32(vandq_u32(vld1q_u32(words), high)),
            vreinterpretq_f32_u32(vandq_u32(vld1q_u32(words + 4), high))};
  }

  MB_INLINE static void store_bytes(const Ints (&parts)[4], std::byte* to) {
    const auto eight = [](Ints v) { return vcombine_s16(vmovn_s32(v.low), vmovn_s32(v.high)); };
    auto* bytes = reinterpret_cast<std::int8_t*>(to);
    vst1q_s8(bytes, vcombine_s8(vmovn_s16(eight(parts[0])), vmovn_s16(eight(parts[1]))));
    vst1q_s8(bytes + 16, vcombine_s8(vmovn_s16(eight(parts[2])), vmovn_s16(eight(parts[3]))));
  }
  MB_INLINE static void store_bf16(Vec x, std::byte* to) {
    auto* halves = reinterpret_cast<std::uint16_t*>(to);
    vst1_u16(halves, to_bf16(x.low));
    vst1_u16(halves + 4, to_bf16(x.high));
  }
  MB_INLINE static uint16x4_t to_bf16(float32x4_t x) {
    const uint32x4_t bits = vreinterpretq_u32_f32(x);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    return vshrn_n_u32(vbslq_u32(vceqq_f32(x, x), rounded, quiet), 16);
  }
};

}  // namespace moonbeam::kernels::neon
