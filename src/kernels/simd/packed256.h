// The registers of packed8.h in 256 bits: AVX2, and AVX-VNNI's product of four bytes where `Dot` has it.
// `Isa` as in vec8.h.
#pragma once

#include <cstdint>

#include "kernels/simd/packed8.h"
#include "kernels/simd/vec8.h"

namespace moonbeam::kernels::simd {

template <class Isa>
struct Ints8 {
  __m256i v;

  MB_INLINE static Ints8 zero() { return {_mm256_setzero_si256()}; }
  MB_INLINE static Ints8 all(std::int32_t x) { return {_mm256_set1_epi32(x)}; }
  MB_INLINE static Ints8 load(const std::int32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
  MB_INLINE void store(std::int32_t* p) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  // Half to even.
  MB_INLINE static Ints8 round(Vec8<Isa> x) { return {_mm256_cvtps_epi32(x.v)}; }
  MB_INLINE Vec8<Isa> to_float() const { return {_mm256_cvtepi32_ps(v)}; }
  MB_INLINE friend Ints8 operator+(Ints8 a, Ints8 b) { return {_mm256_add_epi32(a.v, b.v)}; }
  MB_INLINE friend Ints8 operator*(Ints8 a, Ints8 b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
  MB_INLINE std::int32_t sum() const {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
  }
};

// What AVX2 and AVX-VNNI share.
template <class Isa>
struct Packed256 {
  using Vec = Vec8<Isa>;
  using Ints = Ints8<Isa>;
  static constexpr int kUnit = 4;
  static constexpr int kBF16Unit = 4;

  MB_INLINE static __m256i load(const std::byte* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  MB_INLINE static __m256i broadcast(const std::byte* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
  }
  struct Nibbles {
    __m256i low, high;
  };
  MB_INLINE static Nibbles nibbles(const std::byte* p) {
    const __m256i bits = _mm256_set1_epi8(15);
    const __m256i both = load(p);
    return {_mm256_and_si256(both, bits), _mm256_and_si256(_mm256_srli_epi16(both, 4), bits)};
  }

  // 32 k of 8 columns: (16 q m + 2^14) >> 15, which is what mulhrs does. `ratio`: m of each column. Returns
  // the sums of the columns.
  MB_INLINE static Ints widen_group(const std::byte* from, Ints ratio, std::byte* to) {
    const __m256i m =
        _mm256_or_si256(_mm256_and_si256(ratio.v, _mm256_set1_epi32(0xffff)), _mm256_slli_epi32(ratio.v, 16));
    Ints sum = Ints::zero();
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const Nibbles both = nibbles(from + j * 4 * kPanel);
      sum = sum + widen_word(both.low, m, to + 2 * j * 4 * kPanel);
      sum = sum + widen_word(both.high, m, to + (2 * j + 1) * 4 * kPanel);
    }
    return sum;
  }
  MB_INLINE static Ints widen_word(__m256i nibbles, __m256i m, std::byte* to) {
    const __m256i low = _mm256_set1_epi16(255);
    const __m256i even = widen_lanes(_mm256_and_si256(nibbles, low), m);
    const __m256i odd = widen_lanes(_mm256_srli_epi16(nibbles, 8), m);
    const __m256i q = _mm256_or_si256(_mm256_and_si256(even, low), _mm256_slli_epi16(odd, 8));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), q);
    return {_mm256_madd_epi16(_mm256_add_epi16(even, odd), _mm256_set1_epi16(1))};
  }
  MB_INLINE static __m256i widen_lanes(__m256i x, __m256i m) {
    return _mm256_mulhrs_epi16(_mm256_sub_epi16(_mm256_slli_epi16(x, 4), _mm256_set1_epi16(128)), m);
  }

  static constexpr int bf16_registers(int rows) {
    return rows == 1 ? 8 : rows == 2 ? 4 : 2;
  }
  MB_INLINE static Vec bf16_even(const std::byte* p) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(load(p), 16))};
  }
  MB_INLINE static Vec bf16_odd(const std::byte* p) {
    const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
    return {_mm256_castsi256_ps(_mm256_and_si256(load(p), high))};
  }

  MB_INLINE static void store_bytes(const Ints (&parts)[4], std::byte* to) {
    const __m256i low = _mm256_set1_epi32(255);
    const auto pair = [&](int i) __attribute__((always_inline)) {
      return _mm256_packus_epi32(_mm256_and_si256(parts[i].v, low), _mm256_and_si256(parts[i + 1].v, low));
    };
    const __m256i mixed = _mm256_packus_epi16(pair(0), pair(2));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(mixed, order));
  }
  MB_INLINE static void store_bf16(Vec x, std::byte* to) {
    const __m256i bits = _mm256_castps_si256(x.v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x.v, x.v, _CMP_UNORD_Q));
    const __m256i words = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    const __m256i halves = _mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(halves));
  }
};

// AVX2. vpmaddubsw of u8 and s8 saturates, but not of |w| and an s8 within +-127. The activation gets the
// sign of w by inverting its bits, which makes -a - 1 of it and can be done by any unit, where vpsignb needs
// the multipliers. What is then missing, |w| for each w < 0, is the same for all rows: `correct` sums it up.
template <class Isa>
struct PackedMaddubs : Packed256<Isa> {
  using Base = Packed256<Isa>;
  using typename Base::Ints;
  using typename Base::Nibbles;
  static constexpr int kOffset = 128;
  static constexpr int kInt8Rows = 10;
  static constexpr int kInt8Columns = 8;
  static constexpr int kBlockWords = 128;  // sums of 2 x 127 in 16 bits
  static constexpr bool kCorrects = true;
  static constexpr int registers(int rows) { return rows <= 2 ? 2 : 1; }

  struct Weights {
    __m256i magnitude, negative;
  };
  MB_INLINE static Weights weights(const std::byte* p) {
    const __m256i w = Base::load(p);
    return {_mm256_abs_epi8(w), _mm256_cmpgt_epi8(_mm256_setzero_si256(), w)};
  }
  template <int R>
  MB_INLINE static const std::byte* rows(const std::byte* a) {
    return a;
  }
  template <int r>
  MB_INLINE static Ints dot(Ints sum, Weights w, const std::byte* rows) {
    const __m256i a = _mm256_xor_si256(Base::broadcast(rows + 4 * r), w.negative);
    const __m256i pairs = _mm256_maddubs_epi16(w.magnitude, a);
    sum.v = _mm256_add_epi32(sum.v, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    // Left to itself GCC forms all products before it adds any, and keeps sums in memory for want of
    // registers.
    __asm__ volatile("" : "+x"(sum.v));
    return sum;
  }
  MB_INLINE static Ints correct(Ints sum, Weights w) {
    return {_mm256_add_epi16(sum.v, _mm256_maddubs_epi16(w.magnitude, w.negative))};
  }
  MB_INLINE static Ints corrected(Ints sum, Ints correction) {
    return {_mm256_sub_epi32(sum.v, _mm256_madd_epi16(correction.v, _mm256_set1_epi16(1)))};
  }

  // All columns beside each other: a row's weights come from memory, which is fastest in the order of their
  // addresses. Bytes 0 and 2, then 1 and 3 of each word become 16 bits wide where they are.
  static constexpr bool kHasRow = true;
  static void int8_row(const std::byte* a, const std::byte* w, int words, std::int32_t* to) {
    constexpr int N = kPanel / 8;
    __m256i sums[N];
    each<N>([&](auto v) __attribute__((always_inline)) { sums[v.kValue] = _mm256_setzero_si256(); });
    for (; words > 0; --words, a += 4, w += 4 * kPanel) {
      const __m256i bytes = Base::broadcast(a);
      const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
      const __m256i odd = _mm256_srai_epi16(bytes, 8);
      each<N>([&](auto v) __attribute__((always_inline)) {
        if (v.kValue % 2 == 0) __builtin_prefetch(w + 2048 + v.kValue * 32);
        const __m256i q = Base::load(w + v.kValue * 32);
        const __m256i first = _mm256_madd_epi16(even, _mm256_srai_epi16(_mm256_slli_epi16(q, 8), 8));
        const __m256i second = _mm256_madd_epi16(odd, _mm256_srai_epi16(q, 8));
        sums[v.kValue] = _mm256_add_epi32(sums[v.kValue], _mm256_add_epi32(first, second));
        __asm__ volatile("" : "+x"(sums[v.kValue]));
      });
    }
    each<N>([&](auto v) __attribute__((always_inline)) { Ints{sums[v.kValue]}.store(to + v.kValue * 8); });
  }

  // Eight products of a nibble and an s8 stay below 8 x 2 x 15 x 127 = 30480.
  MB_INLINE static Ints dot_group(const Nibbles (&w)[4], const std::byte* a, Ints start) {
    __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      sums[0] = _mm256_add_epi16(sums[0], _mm256_maddubs_epi16(w[j].low, Base::broadcast(a + 8 * j)));
      sums[1] = _mm256_add_epi16(sums[1], _mm256_maddubs_epi16(w[j].high, Base::broadcast(a + 8 * j + 4)));
    }
    const __m256i all = _mm256_add_epi16(sums[0], sums[1]);
    return {_mm256_add_epi32(start.v, _mm256_madd_epi16(all, _mm256_set1_epi16(1)))};
  }
};

// AVX-VNNI: Dot::dot(sum, u8, s8) adds four products and does not saturate.
template <class Isa, class Dot>
struct PackedVnni256 : Packed256<Isa> {
  using Base = Packed256<Isa>;
  using typename Base::Ints;
  using typename Base::Nibbles;
  static constexpr int kOffset = 0;
  static constexpr int kInt8Rows = 6;
  static constexpr int kInt8Columns = 8;
  static constexpr int kBlockWords = 256;
  static constexpr bool kCorrects = false;
  static constexpr bool kHasRow = false;
  static constexpr int registers(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : 2; }

  template <int R>
  MB_INLINE static const std::byte* rows(const std::byte* a) {
    return a;
  }

  using Weights = __m256i;
  MB_INLINE static Weights weights(const std::byte* p) { return Base::load(p); }
  template <int r>
  MB_INLINE static Ints dot(Ints sum, Weights w, const std::byte* rows) {
    sum.v = Dot::dot(sum.v, Base::broadcast(rows + 4 * r), w);
    __asm__ volatile("" : "+x"(sum.v));
    return sum;
  }
  MB_INLINE static Ints dot_group(const Nibbles (&w)[4], const std::byte* a, Ints start) {
    Ints sums[2] = {start, Ints::zero()};
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      sums[0].v = Dot::dot(sums[0].v, w[j].low, Base::broadcast(a + 8 * j));
      sums[1].v = Dot::dot(sums[1].v, w[j].high, Base::broadcast(a + 8 * j + 4));
    }
    return sums[0] + sums[1];
  }
};

}  // namespace moonbeam::kernels::simd
