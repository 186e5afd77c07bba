// Eight floats in two 128-bit registers (any 64-bit ARM), with the members of simd::Vec8. `Isa` is a type of
// the including file: it keeps apart what the compiler makes of these functions under different flags.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "kernels/simd/inline.h"

namespace moonbeam::kernels::neon {

template <class Isa>
struct Vec8 {
  static constexpr int kWidth = 8;
  float32x4_t low, high;

  MB_INLINE static Vec8 zero() { return all(0.0f); }
  MB_INLINE static Vec8 all(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  MB_INLINE static Vec8 load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
  MB_INLINE void store(float* p) const {
    vst1q_f32(p, low);
    vst1q_f32(p + 4, high);
  }

  // The first n lanes, n in 1..8; nothing past them is touched, and the other lanes are 0.
  MB_INLINE static Vec8 load_first(const float* p, int n) {
    float values[kWidth] = {};
    __builtin_memcpy(values, p, static_cast<std::size_t>(n) * 4);
    return load(values);
  }
  MB_INLINE void store_first(float* p, int n) const {
    float values[kWidth];
    store(values);
    __builtin_memcpy(p, values, static_cast<std::size_t>(n) * 4);
  }

  // Weights of each type, at any address.
  MB_INLINE static Vec8 load_f32(const std::byte* p) { return load_f32_first(p, kWidth); }
  MB_INLINE static Vec8 load_bf16(const std::byte* p) { return load_bf16_first(p, kWidth); }
  MB_INLINE static Vec8 load_f16(const std::byte* p) { return load_f16_first(p, kWidth); }
  MB_INLINE static Vec8 load_f32_first(const std::byte* p, int n) {
    float values[kWidth] = {};
    __builtin_memcpy(values, p, static_cast<std::size_t>(n) * 4);
    return load(values);
  }
  MB_INLINE static Vec8 load_bf16_first(const std::byte* p, int n) {
    const uint16x8_t halves = load_halves(p, n);
    return {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(halves), 16)),
            vreinterpretq_f32_u32(vshll_high_n_u16(halves, 16))};
  }
  MB_INLINE static Vec8 load_f16_first(const std::byte* p, int n) {
    const float16x8_t halves = vreinterpretq_f16_u16(load_halves(p, n));
    return {vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)};
  }

  MB_INLINE friend Vec8 operator+(Vec8 a, Vec8 b) {
    return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)};
  }
  MB_INLINE friend Vec8 operator-(Vec8 a, Vec8 b) {
    return {vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high)};
  }
  MB_INLINE friend Vec8 operator*(Vec8 a, Vec8 b) {
    return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)};
  }
  MB_INLINE friend Vec8 operator/(Vec8 a, Vec8 b) {
    return {vdivq_f32(a.low, b.low), vdivq_f32(a.high, b.high)};
  }
  // a * b + c and c - a * b, rounded once.
  MB_INLINE static Vec8 fma(Vec8 a, Vec8 b, Vec8 c) {
    return {vfmaq_f32(c.low, a.low, b.low), vfmaq_f32(c.high, a.high, b.high)};
  }
  MB_INLINE static Vec8 fnma(Vec8 a, Vec8 b, Vec8 c) {
    return {vfmsq_f32(c.low, a.low, b.low), vfmsq_f32(c.high, a.high, b.high)};
  }
  // b where either is NaN, which ARM's own maximum would keep.
  MB_INLINE static Vec8 max(Vec8 a, Vec8 b) {
    return {vbslq_f32(vcgtq_f32(a.low, b.low), a.low, b.low),
            vbslq_f32(vcgtq_f32(a.high, b.high), a.high, b.high)};
  }
  MB_INLINE static Vec8 min(Vec8 a, Vec8 b) {
    return {vbslq_f32(vcltq_f32(a.low, b.low), a.low, b.low),
            vbslq_f32(vcltq_f32(a.high, b.high), a.high, b.high)};
  }
  MB_INLINE static Vec8 round(Vec8 a) { return {vrndnq_f32(a.low), vrndnq_f32(a.high)}; }
  // a * 2^n for whole n in -126..127.
  MB_INLINE static Vec8 times_power_of_two(Vec8 a, Vec8 n) {
    return {times_power_of_two(a.low, n.low), times_power_of_two(a.high, n.high)};
  }
  // Lanes from n on become `other`.
  MB_INLINE static Vec8 keep_first(Vec8 a, int n, Vec8 other) {
    static constexpr std::int32_t kLanes[kWidth] = {0, 1, 2, 3, 4, 5, 6, 7};
    const int32x4_t count = vdupq_n_s32(n);
    return {vbslq_f32(vcltq_s32(vld1q_s32(kLanes), count), a.low, other.low),
            vbslq_f32(vcltq_s32(vld1q_s32(kLanes + 4), count), a.high, other.high)};
  }

  MB_INLINE float sum() const { return vaddvq_f32(vaddq_f32(low, high)); }
  MB_INLINE float largest() const { return vmaxvq_f32(vmaxq_f32(low, high)); }

  // rows[i][j] becomes rows[j][i].
  MB_INLINE static void transpose(Vec8 (&rows)[8]) {
    float32x4_t upper_right[4], lower_left[4];
    transpose(rows[0].low, rows[1].low, rows[2].low, rows[3].low);
    transpose(rows[4].high, rows[5].high, rows[6].high, rows[7].high);
    for (int i = 0; i < 4; ++i) {
      upper_right[i] = rows[i].high;
      lower_left[i] = rows[i + 4].low;
    }
    transpose(upper_right[0], upper_right[1], upper_right[2], upper_right[3]);
    transpose(lower_left[0], lower_left[1], lower_left[2], lower_left[3]);
    for (int i = 0; i < 4; ++i) {
      rows[i].high = lower_left[i];
      rows[i + 4].low = upper_right[i];
    }
  }

 private:
  MB_INLINE static uint16x8_t load_halves(const std::byte* p, int n) {
    std::uint16_t halves[kWidth] = {};
    __builtin_memcpy(halves, p, static_cast<std::size_t>(n) * 2);
    return vld1q_u16(halves);
  }
  MB_INLINE static float32x4_t times_power_of_two(float32x4_t a, float32x4_t n) {
    const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
    return vmulq_f32(a, vreinterpretq_f32_s32(exponent));
  }
  MB_INLINE static void transpose(float32x4_t& a, float32x4_t& b, float32x4_t& c, float32x4_t& d) {
    const auto wide = [](float32x4_t v) { return vreinterpretq_f64_f32(v); };
    const auto narrow = [](float64x2_t v) { return vreinterpretq_f32_f64(v); };
    const float32x4_t ab0 = vtrn1q_f32(a, b), ab1 = vtrn2q_f32(a, b);  // a0 b0 a2 b2, a1 b1 a3 b3
    const float32x4_t cd0 = vtrn1q_f32(c, d), cd1 = vtrn2q_f32(c, d);
    a = narrow(vtrn1q_f64(wide(ab0), wide(cd0)));
    b = narrow(vtrn1q_f64(wide(ab1), wide(cd1)));
    c = narrow(vtrn2q_f64(wide(ab0), wide(cd0)));
    d = narrow(vtrn2q_f64(wide(ab1), wide(cd1)));
  }
};

}  // namespace moonbeam::kernels::neon
