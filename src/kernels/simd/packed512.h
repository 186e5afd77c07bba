// Packed products in 512-bit registers: what int8, int4 and bf16 share. An activation panel of R rows is, for
// each 4 bytes of k, R words of 4 bytes, so that a tile reads two forward streams. `Isa` as in vec8.h.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/simd/elementwise.h"
#include "kernels/simd/packed.h"
#include "kernels/simd/vec16.h"

namespace moonbeam::kernels::simd {

inline constexpr int kRegisterColumns = 16;
inline constexpr int kPackedRows = 6;  // of a tile: 24 sums, 4 weights, 1 activation of 32 registers
inline constexpr int kPanelRegisters = kPanel / kRegisterColumns;
inline constexpr std::ptrdiff_t kStep = 4 * kPanel;  // bytes of a panel for 4 bytes of k

template <class Isa>
struct Packed512 {
  using Vec = Vec16<Isa>;
  static constexpr int kGroup = tensor::kInt4Group;
  static constexpr std::ptrdiff_t kGroupBytes = kPanel * kGroup / 2 + kPanel * 2;

  // n floats at p, of which there may be none.
  MB_INLINE static Vec load(const float* p, int n) {
    return n >= kRegisterColumns ? Vec::load(p) : n > 0 ? Vec::load_first(p, n) : Vec::zero();
  }
  MB_INLINE static __m512i load_weights(const std::byte* p) { return _mm512_loadu_si512(p); }
  // One row of int8 is bound by memory: with weights fetched 8 KiB ahead into the second-level cache it reads
  // 35 GB/s on Zen 4 instead of 30. With two to four rows the same costs a third, with int4 half.
  template <int R>
  MB_INLINE static void fetch_ahead(const std::byte* weights) {
    if constexpr (R == 1) _mm_prefetch(reinterpret_cast<const char*>(weights + 8192), _MM_HINT_T1);
  }
  MB_INLINE static __m512i broadcast(const std::byte* p) {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
  }

  // ---- activations

  // Words j of rows[r] go to out + (j R + r) 4.
  template <int R>
  MB_INLINE static void store_words(const __m128i (&rows)[R], std::byte* out) {
    if constexpr (R == 1) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), rows[0]);
    } else if constexpr (R == kPackedRows) {
      const __m128i a = _mm_unpacklo_epi32(rows[0], rows[1]), b = _mm_unpackhi_epi32(rows[0], rows[1]);
      const __m128i c = _mm_unpacklo_epi32(rows[2], rows[3]), d = _mm_unpackhi_epi32(rows[2], rows[3]);
      const __m128i e = _mm_unpacklo_epi32(rows[4], rows[5]), f = _mm_unpackhi_epi32(rows[4], rows[5]);
      const __m128i fours[4] = {_mm_unpacklo_epi64(a, c), _mm_unpackhi_epi64(a, c), _mm_unpacklo_epi64(b, d),
                                _mm_unpackhi_epi64(b, d)};
      const __m128i twos[4] = {e, _mm_unpackhi_epi64(e, e), f, _mm_unpackhi_epi64(f, f)};
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + j * 4 * R), fours[j]);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(out + j * 4 * R + 16), twos[j]);
      }
    } else {
      alignas(16) std::int32_t words[R][4];
      for (int r = 0; r < R; ++r) _mm_store_si128(reinterpret_cast<__m128i*>(words[r]), rows[r]);
      for (int j = 0; j < 4; ++j) {
        for (int r = 0; r < R; ++r) __builtin_memcpy(out + (j * R + r) * 4, &words[r][j], 4);
      }
    }
  }

  static RowScale row_scale(const float* x, int k) {
    Vec least[2] = {Vec::zero(), Vec::zero()}, most[2] = {Vec::zero(), Vec::zero()};
    int i = 0;
    for (; i + 2 * kRegisterColumns <= k; i += 2 * kRegisterColumns) {
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        const Vec v = Vec::load(x + i + j * kRegisterColumns);
        least[j] = Vec::min(v, least[j]);
        most[j] = Vec::max(v, most[j]);
      }
    }
    for (; i < k; i += kRegisterColumns) {
      const Vec v = load(x + i, k - i);
      least[0] = Vec::min(v, least[0]);
      most[0] = Vec::max(v, most[0]);
    }
    const float low = -(Vec::zero() - Vec::min(least[0], least[1])).largest();
    const float high = Vec::max(most[0], most[1]).largest();
    const float scale = (high - low) / 254.0f;
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    const __m128i steps = _mm_cvtps_epi32(_mm_set_ss(low * inverse));
    const std::int32_t zero = 1 - _mm_cvtsi128_si32(steps);
    return {scale, zero < 1 ? 1 : zero > 255 ? 255 : zero};
  }

  MB_INLINE static __m128i quantise(Vec x, Vec inverse, __m512i zero) {
    const __m512i one = _mm512_set1_epi32(1), most = _mm512_set1_epi32(255);
    const __m512i u = _mm512_add_epi32(_mm512_cvtps_epi32((x * inverse).v), zero);
    return _mm512_cvtepi32_epi8(_mm512_min_epi32(_mm512_max_epi32(u, one), most));
  }

  template <int R>
  static void pack_int8_panel(const float* x, std::ptrdiff_t stride, int k, std::byte* panel) {
    Vec inverse[R];
    __m512i zero[R];
    for (int r = 0; r < R; ++r) {
      const RowScale scale = row_scale(x + r * stride, k);
      scale.put(r, panel);
      inverse[r] = Vec::all(scale.inverse());
      zero[r] = _mm512_set1_epi32(scale.zero);
    }
    std::byte* out = panel + header_bytes(R);
    const int depth = padded(k);
    for (int i = 0; i < depth; i += kRegisterColumns, out += 16 * R) {
      __m128i rows[R];
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        rows[r] = quantise(load(x + r * stride + i, k - i), inverse[r], zero[r]);
      }
      store_words<R>(rows, out);
    }
  }

  template <int R>
  static void pack_int4_panel(const float* x, std::ptrdiff_t stride, int k, std::byte* panel) {
    const int depth = padded(k);
    for (int begin = 0; begin < depth; begin += kGroup, panel += (kGroup + 8) * R) {
      __m128i low[R], high[R];
      for (int r = 0; r < R; ++r) {
        const Vec a = load(x + r * stride + begin, k - begin);
        const Vec b = load(x + r * stride + begin + kRegisterColumns, k - begin - kRegisterColumns);
        const __m512 most = _mm512_max_ps(_mm512_abs_ps(a.v), _mm512_abs_ps(b.v));
        const float scale = Vec{most}.largest() / 127.0f;
        const Vec inverse = Vec::all(scale > 0 ? 1.0f / scale : 0.0f);
        const __m512i qa = clamp127(_mm512_cvtps_epi32((a * inverse).v));
        const __m512i qb = clamp127(_mm512_cvtps_epi32((b * inverse).v));
        low[r] = _mm512_cvtepi32_epi8(qa);
        high[r] = _mm512_cvtepi32_epi8(qb);
        const std::int32_t offset = -8 * _mm512_reduce_add_epi32(_mm512_add_epi32(qa, qb));
        __builtin_memcpy(panel + kGroup * R + r * 4, &scale, 4);
        __builtin_memcpy(panel + (kGroup + 4) * R + r * 4, &offset, 4);
      }
      store_words<R>(low, panel);
      store_words<R>(high, panel + 16 * R);
    }
  }
  MB_INLINE static __m512i clamp127(__m512i v) {
    return _mm512_min_epi32(_mm512_max_epi32(v, _mm512_set1_epi32(-127)), _mm512_set1_epi32(127));
  }

  // To nearest even; NaN stays NaN. For processors that cannot do it themselves.
  MB_INLINE static __m256i round_bf16(Vec v) {
    const __m512i bits = _mm512_castps_si512(v.v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(v.v, v.v, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16));
  }

  // Round::round(v): sixteen bf16 of the nearest values.
  template <class Round, int R>
  static void pack_bf16_panel(const float* x, std::ptrdiff_t stride, int k, std::byte* panel) {
    const int depth = padded(k);
    for (int i = 0; i < depth; i += kRegisterColumns, panel += 32 * R) {
      __m128i low[R], high[R];
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        const __m256i halves = Round::round(load(x + r * stride + i, k - i));
        low[r] = _mm256_castsi256_si128(halves);
        high[r] = _mm256_extracti128_si256(halves, 1);
      }
      store_words<R>(low, panel);
      store_words<R>(high, panel + 16 * R);
    }
  }

  // ---- the end of a tile

  // x / (1 + 2^u), u = -2 log2(e) sqrt(2 / pi) (x + 0.044715 x^3). The power by a polynomial of degree 4 on
  // the part of u behind its floor (minimax, 2.6e-6), the quotient by an estimate of 14 bits and a Newton
  // step: two thirds of the time that exp and division take in f32 mode.
  MB_INLINE static Vec gelu(Vec x) {
    const Vec cubic = Vec::fma(Vec::all(-0.102943240f) * x, x, Vec::all(-2.30220819f));
    const Vec u = Vec::min(Vec::all(126.0f), cubic * x);  // NaN stays NaN
    const Vec r = {_mm512_reduce_ps(u.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
    Vec p = Vec::fma(Vec::all(0.0135341679f), r, Vec::all(0.0520114606f));
    p = Vec::fma(p, r, Vec::all(0.241442757f));
    p = Vec::fma(p, r, Vec::all(0.693003834f));
    p = Vec::fma(p, r, Vec::all(1.00000259f));
    const Vec d = Vec{_mm512_scalef_ps(p.v, u.v)} + Vec::all(1.0f);
    const Vec estimate = {_mm512_rcp14_ps(d.v)};
    return x * (estimate * Vec::fnma(d, estimate, Vec::all(2.0f)));
  }

  template <Epilogue kEpilogue>
  MB_INLINE static void finish_register(Vec y, float* out, int n) {
    if constexpr (kEpilogue == Epilogue::kGelu) y = gelu(y);
    if constexpr (kEpilogue == Epilogue::kAdd) y = y + load(out, n);
    if (n >= kRegisterColumns) {
      y.store(out);
    } else if (n > 0) {
      y.store_first(out, n);
    }
  }

  // y(r, v, bias) for R rows and registers [first, first + N) of columns.
  template <int R, int N, class F>
  MB_INLINE static void finish(const PackedTile& tile, int first, F y) {
    switch (tile.epilogue) {
      case Epilogue::kStore:
        return finish_as<Epilogue::kStore, R, N>(tile, first, y);
      case Epilogue::kGelu:
        return finish_as<Epilogue::kGelu, R, N>(tile, first, y);
      case Epilogue::kAdd:
        return finish_as<Epilogue::kAdd, R, N>(tile, first, y);
    }
  }
  template <Epilogue kEpilogue, int R, int N, class F>
  MB_INLINE static void finish_as(const PackedTile& tile, int first, F y) {
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) {
      const int column = (first + v) * kRegisterColumns;
      const int n = tile.columns - column;
      const Vec bias = tile.bias ? load(tile.bias + column, n) : Vec::zero();
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        finish_register<kEpilogue>(y(r, v, bias), tile.out + r * tile.out_stride + column, n);
      }
    }
  }

  // ---- int8

  // Register v of the columns of row r, of which `sum` is the sum of products.
  MB_INLINE static Vec int8_value(const PackedTile& tile, int r, int v, __m512i sum, Vec bias) {
    const RowScale row = RowScale::of(tile, r);
    const __m512i columns = _mm512_loadu_si512(tile.sums + v * kRegisterColumns);
    sum = _mm512_sub_epi32(sum, _mm512_mullo_epi32(_mm512_set1_epi32(row.zero), columns));
    const Vec scale = Vec::all(row.scale) * Vec::load(tile.scales + v * kRegisterColumns);
    return Vec::fma({_mm512_cvtepi32_ps(sum)}, scale, bias);
  }

  // The end of a panel without the zeros that k is padded with: 588 values are 640 with them.
  MB_INLINE static const std::byte* used_end(const std::byte* w, const std::byte* end) {
    for (; end - w > 2 * kStep; end -= 2 * kStep) {
      __m512i all = _mm512_setzero_si512();
#pragma GCC unroll 8
      for (int v = 1; v <= 2 * kPanelRegisters; ++v) all = _mm512_or_si512(all, load_weights(end - v * 64));
      if (_mm512_test_epi32_mask(all, all) != 0) break;
    }
    return end;
  }

  template <class Dot, int R>
  static void tile_int8_rows(const PackedTile& tile) noexcept {
    __m512i sums[R][kPanelRegisters];
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) sums[r][v] = _mm512_setzero_si512();
    }
    const std::byte* a = tile.activations + header_bytes(R);
    const std::byte* w = tile.weights;
    const std::byte* const end =
        R < kPackedRows ? w + tile.depth / 4 * kStep : used_end(w, w + tile.depth / 4 * kStep);
#pragma GCC unroll 2
    for (; w != end; w += kStep, a += 4 * R) {
      __m512i weights[kPanelRegisters];
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) {
        fetch_ahead<R>(w + v * 64);
        weights[v] = load_weights(w + v * 64);
      }
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        const __m512i u = broadcast(a + r * 4);
#pragma GCC unroll 4
        for (int v = 0; v < kPanelRegisters; ++v) sums[r][v] = Dot::dot(sums[r][v], u, weights[v]);
      }
    }
    finish<R, kPanelRegisters>(
        tile, 0, [&](int r, int v, Vec bias) __attribute__((always_inline)) {
          return int8_value(tile, r, v, sums[r][v], bias);
        });
  }

  // ---- int4

  // Sums of a group stay in registers; the totals of more than two rows do not fit beside them and go through
  // the first-level cache once a group.
  template <class Dot, int R>
  static void tile_int4_rows(const PackedTile& tile) noexcept {
    Vec totals[R][kPanelRegisters];
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) totals[r][v] = Vec::zero();
    }
    const std::byte* a = tile.activations;
    const std::byte* w = tile.weights;
    const std::byte* const end = w + tile.depth / kGroup * kGroupBytes;
    for (; w != end; w += kGroupBytes, a += (kGroup + 8) * R) {
      __m512i sums[R][kPanelRegisters];
      sum_int4_group<Dot, R>(a, w, sums);
      const std::byte* scales = w + kPanel * kGroup / 2;
      if constexpr (R > 2) asm volatile("" : "+m"(totals));  // in memory, or the compiler spills the sums
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) {
        const Vec scale = Vec::load_bf16(scales + v * kRegisterColumns * 2);
#pragma GCC unroll 6
        for (int r = 0; r < R; ++r) {
          const Vec both = scale * Vec{_mm512_castsi512_ps(broadcast(a + kGroup * R + r * 4))};
          totals[r][v] = Vec::fma({_mm512_cvtepi32_ps(sums[r][v])}, both, totals[r][v]);
        }
      }
    }
    finish<R, kPanelRegisters>(
        tile, 0, [&](int r, int v, Vec bias) __attribute__((always_inline)) { return totals[r][v] + bias; });
  }

  // Without a product of four bytes (Dot::kInPairs) a group's eight pairs of pairs are summed in 16 bits,
  // where they stay below 8 x 2 x 15 x 127 = 30480.
  template <class Dot, int R>
  MB_INLINE static void sum_int4_group(const std::byte* a, const std::byte* w,
                                       __m512i (&sums)[R][kPanelRegisters]) {
    const __m512i low_bits = _mm512_set1_epi8(15);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) {
        sums[r][v] = Dot::kInPairs ? _mm512_setzero_si512() : broadcast(a + (kGroup + 4) * R + r * 4);
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) {
        const std::byte* at = w + j * kStep + v * 64;
        const __m512i both = load_weights(at);
        const __m512i low = _mm512_and_si512(both, low_bits);
        const __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), low_bits);
#pragma GCC unroll 6
        for (int r = 0; r < R; ++r) {
          sums[r][v] = Dot::add(sums[r][v], low, broadcast(a + (2 * j * R + r) * 4));
          sums[r][v] = Dot::add(sums[r][v], high, broadcast(a + ((2 * j + 1) * R + r) * 4));
        }
      }
    }
    if constexpr (Dot::kInPairs) {
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        const __m512i start = broadcast(a + (kGroup + 4) * R + r * 4);
#pragma GCC unroll 4
        for (int v = 0; v < kPanelRegisters; ++v) sums[r][v] = Dot::fours(start, sums[r][v]);
      }
    }
  }

  // m of the definition in both halves of each column's word.
  MB_INLINE static __m512i widen_ratio(Vec scale, Vec inverse) {
    const __m512i m = _mm512_cvtps_epi32((scale * inverse * Vec::all(2048.0f)).v);
    const __m512i limit = _mm512_set1_epi32(32512);
    const __m512i held =
        _mm512_max_epi32(_mm512_min_epi32(m, limit), _mm512_sub_epi32(_mm512_setzero_si512(), limit));
    return _mm512_or_si512(_mm512_and_si512(held, _mm512_set1_epi32(0xffff)), _mm512_slli_epi32(held, 16));
  }
  // `x`: 16-bit lanes of q + 8. (16 q m + 2^14) >> 15.
  MB_INLINE static __m512i widen_lanes(__m512i x, __m512i ratio) {
    const __m512i sixteen_q = _mm512_sub_epi16(_mm512_slli_epi16(x, 4), _mm512_set1_epi16(128));
    return _mm512_mulhrs_epi16(sixteen_q, ratio);
  }
  // `bytes`: nibbles in the low half of each byte.
  MB_INLINE static __m512i widen_bytes(__m512i bytes, __m512i ratio) {
    const __m512i low = _mm512_set1_epi16(255);
    const __m512i even = widen_lanes(_mm512_and_si512(bytes, low), ratio);
    const __m512i odd = widen_lanes(_mm512_srli_epi16(bytes, 8), ratio);
    return _mm512_or_si512(_mm512_and_si512(even, low), _mm512_slli_epi16(odd, 8));
  }

  template <class Dot>
  static void widen_int4(const std::byte* int4_panel, int depth, std::byte* panel, float* scales,
                         std::int32_t* sums) noexcept {
    const int groups = depth / kGroup;
    const __m512i low_bits = _mm512_set1_epi8(15), ones = _mm512_set1_epi8(1);
    for (int v = 0; v < kPanelRegisters; ++v) {
      const std::byte* group_scales = int4_panel + kPanel * kGroup / 2 + v * kRegisterColumns * 2;
      __m512 most = _mm512_setzero_ps();
      for (int g = 0; g < groups; ++g)
        most = _mm512_max_ps(_mm512_abs_ps(Vec::load_bf16(group_scales + g * kGroupBytes).v), most);
      const Vec scale = Vec{most} * Vec::all(8.0f / 127.0f);
      scale.store(scales + v * kRegisterColumns);
      const __mmask16 used = _mm512_cmp_ps_mask(scale.v, _mm512_setzero_ps(), _CMP_GT_OQ);
      const Vec inverse = {_mm512_maskz_div_ps(used, _mm512_set1_ps(1.0f), scale.v)};

      __m512i sum = _mm512_setzero_si512();
      for (int g = 0; g < groups; ++g) {
        const std::byte* from = int4_panel + g * kGroupBytes + v * 64;
        std::byte* to = panel + g * (kGroup / 4) * kStep + v * 64;
        const __m512i ratio = widen_ratio(Vec::load_bf16(group_scales + g * kGroupBytes), inverse);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const __m512i both = load_weights(from + j * kStep);
          const __m512i low = widen_bytes(_mm512_and_si512(both, low_bits), ratio);
          const __m512i high = widen_bytes(_mm512_and_si512(_mm512_srli_epi16(both, 4), low_bits), ratio);
          _mm512_storeu_si512(to + 2 * j * kStep, low);
          _mm512_storeu_si512(to + (2 * j + 1) * kStep, high);
          sum = Dot::dot(Dot::dot(sum, ones, low), ones, high);
        }
      }
      _mm512_storeu_si512(sums + v * kRegisterColumns, sum);
    }
  }

  // ---- bf16

  template <class Dot, int R>
  static void tile_bf16_rows(const PackedTile& tile) noexcept {
    Vec sums[R][kPanelRegisters];
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) {
        sums[r][v] =
            tile.begin > 0 ? Vec::load(tile.partial + r * kPanel + v * kRegisterColumns) : Vec::zero();
      }
    }
    const std::byte* a = tile.activations + static_cast<std::ptrdiff_t>(tile.begin) * 2 * R;
    const std::byte* w = tile.weights + tile.begin / 2 * kStep;
    const std::byte* const end = tile.weights + tile.end / 2 * kStep;
#pragma GCC unroll 2
    for (; w != end; w += kStep, a += 4 * R) {
      __m512i weights[kPanelRegisters];
#pragma GCC unroll 4
      for (int v = 0; v < kPanelRegisters; ++v) {
        weights[v] = load_weights(w + v * 64);
      }
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        const __m512i pair = broadcast(a + r * 4);
#pragma GCC unroll 4
        for (int v = 0; v < kPanelRegisters; ++v) sums[r][v] = Dot::dot(sums[r][v], pair, weights[v]);
      }
    }
    if (tile.end < tile.depth) {
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < kPanelRegisters; ++v)
          sums[r][v].store(tile.partial + r * kPanel + v * kRegisterColumns);
      }
      return;
    }
    finish<R, kPanelRegisters>(
        tile, 0, [&](int r, int v, Vec bias) __attribute__((always_inline)) { return sums[r][v] + bias; });
  }

  // ---- by the number of rows

  static void pack_int8_rows(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    with_count<kPackedRows>(rows, [&](auto r) { pack_int8_panel<r.kValue>(x, stride, k, panel); });
  }
  static void pack_int4_rows(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    with_count<kPackedRows>(rows, [&](auto r) { pack_int4_panel<r.kValue>(x, stride, k, panel); });
  }
  template <class Round>
  static void pack_bf16_rows(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    with_count<kPackedRows>(rows, [&](auto r) { pack_bf16_panel<Round, r.kValue>(x, stride, k, panel); });
  }
  template <class Dot>
  static void tile_int8(const PackedTile& tile) noexcept {
    with_count<kPackedRows>(tile.rows, [&](auto r) { tile_int8_rows<Dot, r.kValue>(tile); });
  }
  template <class Dot>
  static void tile_int4(const PackedTile& tile) noexcept {
    with_count<kPackedRows>(tile.rows, [&](auto r) { tile_int4_rows<Dot, r.kValue>(tile); });
  }
  template <class Dot>
  static void tile_bf16(const PackedTile& tile) noexcept {
    with_count<kPackedRows>(tile.rows, [&](auto r) { tile_bf16_rows<Dot, r.kValue>(tile); });
  }

  template <class Dot>
  static constexpr PackedKernels kInt8 = {
      kPackedRows, pack_panels<tensor::DType::kInt8, kPackedRows, pack_int8_rows>, tile_int8<Dot>};
  template <class Dot>
  static constexpr PackedKernels kInt4 = {
      kPackedRows, pack_panels<tensor::DType::kInt4, kPackedRows, pack_int4_rows>, tile_int4<Dot>};
  template <class Dot, class Round>
  static constexpr PackedKernels kBF16 = {
      kPackedRows, pack_panels<tensor::DType::kBF16Packed, kPackedRows, pack_bf16_rows<Round>>,
      tile_bf16<Dot>};
};

}  // namespace moonbeam::kernels::simd
