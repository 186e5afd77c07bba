// The register of simd/signed_pairs.h in 512 bits: 16 of 32 registers are sums.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/simd/inline.h"

namespace moonbeam::kernels::avx512 {

template <class Isa>
struct Bytes {
  using Register = __m512i;
  static constexpr int kColumns = 16;
  static constexpr int kRows = 8;
  MB_INLINE static Register zero() { return _mm512_setzero_si512(); }
  MB_INLINE static Register load(const std::byte* p) { return _mm512_loadu_si512(p); }
  MB_INLINE static void store(Register v, std::byte* p) { _mm512_storeu_si512(p, v); }
  MB_INLINE static Register broadcast(const std::byte* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
  }
  MB_INLINE static Register magnitude(Register w) { return _mm512_abs_epi8(w); }
  MB_INLINE static Register sign(Register w) { return _mm512_movm_epi8(_mm512_movepi8_mask(w)); }
  MB_INLINE static Register flip(Register a, Register sign) { return _mm512_xor_si512(a, sign); }
  MB_INLINE static Register pairs(Register u, Register s) { return _mm512_maddubs_epi16(u, s); }
  MB_INLINE static Register fours(Register pairs) { return multiply16(pairs, _mm512_set1_epi16(1)); }
  MB_INLINE static Register multiply16(Register a, Register b) { return _mm512_madd_epi16(a, b); }
  MB_INLINE static Register add16(Register a, Register b) { return _mm512_add_epi16(a, b); }
  MB_INLINE static Register add32(Register a, Register b) { return _mm512_add_epi32(a, b); }
  MB_INLINE static Register subtract32(Register a, Register b) { return _mm512_sub_epi32(a, b); }
  MB_INLINE static Register even(Register v) { return _mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8); }
  MB_INLINE static Register odd(Register v) { return _mm512_srai_epi16(v, 8); }
  MB_INLINE static Register either(Register a, Register b) { return _mm512_or_si512(a, b); }
  MB_INLINE static bool any(Register v) { return _mm512_test_epi32_mask(v, v) != 0; }
  MB_INLINE static void keep(Register& v) { __asm__ volatile("" : "+v"(v)); }
};

}  // namespace moonbeam::kernels::avx512
