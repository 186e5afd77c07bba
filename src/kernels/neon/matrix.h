// Products of 2 x 8 by 8 x 2 bytes (or 2 x 4 by 4 x 2 bf16) into 2 x 2 sums: USMMLA and BFMMLA. Two registers
// of weights, words k and k + 1 of four columns, zip into two of 8 bytes of two columns. An activation panel
// of R rows is, for each 8 bytes of k, R rows of 8 bytes.
#pragma once

#include "kernels/neon/dot_product.h"

namespace moonbeam::kernels::neon {

// `M`: Element, Sums (a register of 4), M::multiply(sums, rows, columns) on bytes.
template <class M, int R>
MB_INLINE void matrix_columns(const std::byte* a, const std::byte* w, int words, bool start,
                              typename M::Element* to) {
  constexpr int kPairs = (R + 1) / 2, kColumnPairs = 8;
  constexpr std::ptrdiff_t kWordBytes = 4 * kPanel;
  typename M::Sums sums[kPairs][kColumnPairs];
  const auto row = [&](int p, int i) { return to + (2 * p + i < R ? 2 * p + i : R - 1) * kPanel; };
#pragma GCC unroll 24
  for (int i = 0; i < kPairs * kColumnPairs; ++i) {
    const int p = i / kColumnPairs, c = i % kColumnPairs;
    sums[p][c] = start ? M::zero() : M::join(M::load(row(p, 0) + 2 * c), M::load(row(p, 1) + 2 * c));
  }
  for (int i = 0; i < words; i += 2, a += 8 * R, w += 2 * kWordBytes) {
    uint8x16_t columns[kColumnPairs];
#pragma GCC unroll 4
    for (int g = 0; g < kColumnPairs / 2; ++g) {
      const uint32x4_t even = vld1q_u32(reinterpret_cast<const std::uint32_t*>(w + g * 16));
      const uint32x4_t odd = vld1q_u32(reinterpret_cast<const std::uint32_t*>(w + kWordBytes + g * 16));
      columns[2 * g] = vreinterpretq_u8_u32(vzip1q_u32(even, odd));
      columns[2 * g + 1] = vreinterpretq_u8_u32(vzip2q_u32(even, odd));
    }
#pragma GCC unroll 3
    for (int p = 0; p < kPairs; ++p) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(a + 16 * p);
      const uint8x16_t rows = 2 * p + 1 < R ? vld1q_u8(bytes) : vcombine_u8(vld1_u8(bytes), vdup_n_u8(0));
#pragma GCC unroll 8
      for (int c = 0; c < kColumnPairs; ++c) sums[p][c] = M::multiply(sums[p][c], rows, columns[c]);
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < kPairs * kColumnPairs; ++i) {
    const int p = i / kColumnPairs, c = i % kColumnPairs;
    M::store_low(sums[p][c], to + 2 * p * kPanel + 2 * c);
    if (2 * p + 1 < R) M::store_high(sums[p][c], to + (2 * p + 1) * kPanel + 2 * c);
  }
}

template <class Isa>
struct ByteMatrix {
  using Element = std::int32_t;
  using Sums = int32x4_t;
  MB_INLINE static Sums zero() { return vdupq_n_s32(0); }
  MB_INLINE static int32x2_t load(const Element* p) { return vld1_s32(p); }
  MB_INLINE static Sums join(int32x2_t a, int32x2_t b) { return vcombine_s32(a, b); }
  MB_INLINE static void store_low(Sums s, Element* p) { vst1_s32(p, vget_low_s32(s)); }
  MB_INLINE static void store_high(Sums s, Element* p) { vst1_s32(p, vget_high_s32(s)); }
#ifdef __ARM_FEATURE_MATMUL_INT8
  MB_INLINE static Sums multiply(Sums s, uint8x16_t rows, uint8x16_t columns) {
    return vusmmlaq_s32(s, rows, vreinterpretq_s8_u8(columns));
  }
#endif
};

template <class Isa>
struct BF16Matrix {
  using Element = float;
  using Sums = float32x4_t;
  MB_INLINE static Sums zero() { return vdupq_n_f32(0); }
  MB_INLINE static float32x2_t load(const Element* p) { return vld1_f32(p); }
  MB_INLINE static Sums join(float32x2_t a, float32x2_t b) { return vcombine_f32(a, b); }
  MB_INLINE static void store_low(Sums s, Element* p) { vst1_f32(p, vget_low_f32(s)); }
  MB_INLINE static void store_high(Sums s, Element* p) { vst1_f32(p, vget_high_f32(s)); }
#ifdef __ARM_FEATURE_BF16_VECTOR_ARITHMETIC
  MB_INLINE static Sums multiply(Sums s, uint8x16_t rows, uint8x16_t columns) {
    return vbfmmlaq_f32(s, vreinterpretq_bf16_u8(rows), vreinterpretq_bf16_u8(columns));
  }
#endif
};

// int8 by USMMLA (u8 activations), int4 by SDOT.
template <class Isa>
struct I8mm : Packed<Isa, DotProduct<Isa>> {
  static constexpr int kOffset = 0;
  static constexpr int kUnit = 8;
  template <int R>
  MB_INLINE static void int8_columns(const std::byte* a, const std::byte* w, int words, bool start,
                                     std::int32_t* to) {
    matrix_columns<ByteMatrix<Isa>, R>(a, w, words, start, to);
  }
};

// bf16 by BFMMLA, which rounds its two sums of two products to odd.
template <class Isa, class Dot>
struct BF16Mm : Packed<Isa, Dot> {
  static constexpr int kBF16Unit = 8;
  template <int R>
  MB_INLINE static void bf16_columns(const std::byte* a, const std::byte* w, int words, bool start,
                                     float* to) {
    matrix_columns<BF16Matrix<Isa>, R>(a, w, words, start, to);
  }
};

}  // namespace moonbeam::kernels::neon
