// The registers of packed8.h in 256 bits: AVX2, and AVX-VNNI's product of four bytes where `Dot` has it.
// `Isa` as in vec8.h.
#pragma once

#include <cstdint>

#include "kernels/simd/packed8.h"
#include "kernels/simd/signed_pairs.h"
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

// The register of signed_pairs.h.
template <class Isa>
struct Bytes256 {
  using Register = __m256i;
  static constexpr int kColumns = 8;
  static constexpr int kRows = 4;
  MB_INLINE static Register zero() { return _mm256_setzero_si256(); }
  MB_INLINE static Register load(const std::byte* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  MB_INLINE static void store(Register v, std::byte* p) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  MB_INLINE static Register broadcast(const std::byte* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
  }
  MB_INLINE static Register magnitude(Register w) { return _mm256_abs_epi8(w); }
  MB_INLINE static Register sign(Register w) { return _mm256_cmpgt_epi8(zero(), w); }
  MB_INLINE static Register flip(Register a, Register sign) { return _mm256_xor_si256(a, sign); }
  MB_INLINE static Register pairs(Register u, Register s) { return _mm256_maddubs_epi16(u, s); }
  MB_INLINE static Register fours(Register pairs) { return multiply16(pairs, _mm256_set1_epi16(1)); }
  MB_INLINE static Register multiply16(Register a, Register b) { return _mm256_madd_epi16(a, b); }
  MB_INLINE static Register add16(Register a, Register b) { return _mm256_add_epi16(a, b); }
  MB_INLINE static Register add32(Register a, Register b) { return _mm256_add_epi32(a, b); }
  MB_INLINE static Register subtract32(Register a, Register b) { return _mm256_sub_epi32(a, b); }
  MB_INLINE static Register even(Register v) { return _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8); }
  MB_INLINE static Register odd(Register v) { return _mm256_srai_epi16(v, 8); }
  MB_INLINE static Register either(Register a, Register b) { return _mm256_or_si256(a, b); }
  MB_INLINE static bool any(Register v) { return _mm256_testz_si256(v, v) == 0; }
  MB_INLINE static void keep(Register& v) { __asm__ volatile("" : "+x"(v)); }
};

// AVX2, which multiplies bytes by pairs. `Bytes`: of SignedPairs.
template <class Isa, class Bytes = Bytes256<Isa>>
struct PackedMaddubs : Packed256<Isa> {
  using Base = Packed256<Isa>;
  using typename Base::Ints;
  using typename Base::Nibbles;
  using Int8Sums = SignedPairs<Bytes>;
  static constexpr bool kHasInt8Sums = true;
  static constexpr int kOffset = 128;
  static constexpr int kInt8Rows = 80;  // share the preparing of weights
  static constexpr int kBlockWords = 128;

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
  static constexpr bool kHasInt8Sums = false;
  static constexpr int kInt8Rows = 6;
  static constexpr int kBlockWords = 256;
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
