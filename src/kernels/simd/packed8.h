// Packed products in registers of eight columns. `P`, a type of the including folder, brings the registers:
//   Vec           eight floats, as Vec8
//   Ints          eight int32: zero, all, load, store, +, *, round(Vec), to_float()
//   kOffset       what is taken off int8 activations: 128 where products want signed ones, 0 where unsigned
//   kInt8Rows     rows of an int8 tile;  kBlockWords: 4 bytes of k of a block;  registers(R),
//   bf16_registers(R):
//                 of columns that fit beside each other in a tile of R rows
//   kUnit, kBF16Unit  bytes of a row that lie together in a panel: 4, or 8 where P has int8_columns<R> or
//                 bf16_columns<R> of its own, of 16 columns
//   Weights       4 bytes of 8 columns: weights(p)
//   rows<R>(a)    a word of R rows;  dot<r>(Ints, Weights, rows) adds four products of row r to each column
//   kHasInt8Sums  where Int8Sums::sums(a, w, words, rows, columns, sums) does a whole tile instead of these
//   Nibbles       a block of an int4 group of 8 columns: nibbles(p);  dot_group(Nibbles[4], row, start)
//   widen_group   see there
//   bf16_even / bf16_odd(p)          of the words of 8 columns
//   store_bytes(Ints[4], p)          32 low bytes
//   store_bf16(Vec, p)               8 of them, to nearest even, NaN made quiet
// A panel of R rows is, for each kUnit bytes of k, R rows of kUnit bytes: two forward streams feed a tile.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/simd/elementwise.h"
#include "kernels/simd/matmul.h"
#include "kernels/simd/packed.h"

namespace moonbeam::kernels::simd {

template <class P>
struct Packed8 {
  using Vec = typename P::Vec;
  using Ints = typename P::Ints;
  static constexpr int kWidth = 8;
  static constexpr int kMostRows = 6;
  static constexpr int kGroup = tensor::kInt4Group;
  static constexpr std::ptrdiff_t kWordBytes = 4 * kPanel;  // of a panel for 4 bytes of k
  static constexpr std::ptrdiff_t kGroupBytes = kPanel * kGroup / 2 + kPanel * 2;
  static constexpr std::ptrdiff_t kGroupRow = kGroup + 8;  // of activations: values, scale, -8 sum

  template <class T>
  MB_INLINE static T get(const std::byte* p) {
    T value;
    __builtin_memcpy(&value, p, sizeof value);
    return value;
  }

  // ---- activations

  static RowScale row_scale(const float* x, int k) {
    Vec least[2] = {Vec::zero(), Vec::zero()}, most[2] = {Vec::zero(), Vec::zero()};
    int i = 0;
    // NaN loses: min and max give their second operand for it.
    for (; i + 2 * kWidth <= k; i += 2 * kWidth) {
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        const Vec v = Vec::load(x + i + j * kWidth);
        least[j] = Vec::min(v, least[j]);
        most[j] = Vec::max(v, most[j]);
      }
    }
    for (; i < k; i += kWidth) {
      const Vec v = load_up_to<Vec>(x + i, k - i);
      least[0] = Vec::min(v, least[0]);
      most[0] = Vec::max(v, most[0]);
    }
    const float low = -(Vec::zero() - Vec::min(least[0], least[1])).largest();
    const float high = Vec::max(most[0], most[1]).largest();
    const float scale = (high - low) / 254.0f;
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    // The definition's clamp to -254..0, which a NaN (infinite scale) leaves at -254.
    const Vec steps = Vec::max(Vec::all(low * inverse), Vec::all(-254.0f));
    std::int32_t rounded[kWidth];
    Ints::round(steps).store(rounded);
    return {scale, 1 - (rounded[0] < 0 ? rounded[0] : 0)};
  }

  // Pieces of kUnit bytes: piece j of row r at from + r * kPieceBytes becomes piece j * rows + r.
  static constexpr int kPieceBytes = 64;
  template <int kUnit>
  MB_INLINE static void interleave(const std::byte* from, int rows, std::byte* to) {
    for (int at = 0; at < kPieceBytes; at += kUnit) {
      for (int r = 0; r < rows; ++r, to += kUnit) __builtin_memcpy(to, from + r * kPieceBytes + at, kUnit);
    }
  }

  static void pack_int8_panel(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    alignas(64) std::byte piece[P::kInt8Rows * kPieceBytes];
    float inverse[P::kInt8Rows], zero[P::kInt8Rows];
    for (int r = 0; r < rows; ++r) {
      const RowScale scale = row_scale(x + r * stride, k);
      scale.put(r, panel);
      inverse[r] = scale.inverse();
      zero[r] = static_cast<float>(scale.zero);
    }
    panel += header_bytes(rows);
    for (int i = 0; i < padded(k); i += 64, panel += 64 * static_cast<std::ptrdiff_t>(rows)) {
      for (int r = 0; r < rows; ++r) {
        std::byte* to = piece + r * kPieceBytes;
        for (int half = 0; half < 64; half += 32)
          quantise(x + r * stride + i + half, k - i - half, inverse[r], zero[r], to + half);
      }
      interleave<P::kUnit>(piece, rows, panel);
    }
  }

  // 32 values of a row, of which n are there: u - kOffset.
  MB_INLINE static void quantise(const float* x, int n, float inverse, float zero, std::byte* to) {
    Ints parts[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const Vec steps = Vec::round(load_up_to<Vec>(x + j * kWidth, n - j * kWidth) * Vec::all(inverse));
      const Vec u = Vec::min(Vec::max(steps + Vec::all(zero), Vec::all(1.0f)), Vec::all(255.0f));
      parts[j] = Ints::round(u - Vec::all(static_cast<float>(P::kOffset)));
    }
    P::store_bytes(parts, to);
  }

  static void pack_int4_panel(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    for (int i = 0; i < padded(k); i += kGroup) {
      for (int r = 0; r < rows; ++r, panel += kGroupRow) pack_int4_group(x + r * stride + i, k - i, panel);
    }
  }
  MB_INLINE static void pack_int4_group(const float* x, int n, std::byte* to) {
    Vec values[4], most = Vec::zero();
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      values[j] = load_up_to<Vec>(x + j * kWidth, n - j * kWidth);
      most = Vec::max(values[j], Vec::max(Vec::zero() - values[j], most));
    }
    const float scale = most.largest() / 127.0f;
    const Vec inverse = Vec::all(scale > 0 ? 1.0f / scale : 0.0f);
    Ints parts[4], sum = Ints::zero();
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      parts[j] = Ints::round(Vec::min(Vec::max(values[j] * inverse, Vec::all(-127.0f)), Vec::all(127.0f)));
      sum = sum + parts[j];
    }
    P::store_bytes(parts, to);
    const std::int32_t offset = -8 * sum.sum();
    __builtin_memcpy(to + kGroup, &scale, 4);
    __builtin_memcpy(to + kGroup + 4, &offset, 4);
  }

  static void pack_bf16_panel(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    alignas(64) std::byte piece[kMostRows * kPieceBytes];
    for (int i = 0; i < padded(k); i += 32, panel += 64 * static_cast<std::ptrdiff_t>(rows)) {
      for (int r = 0; r < rows; ++r) {
        std::byte* to = piece + r * kPieceBytes;
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const int at = i + j * kWidth;
          P::store_bf16(load_up_to<Vec>(x + r * stride + at, k - at), to + j * kWidth * 2);
        }
      }
      interleave<P::kBF16Unit>(piece, rows, panel);
    }
  }

  // ---- the end of a tile: y(r, c) gives 8 sums

  template <Epilogue kEpilogue, class F>
  MB_INLINE static void finish_as(const PackedTile& tile, F y) {
    for (int r = 0; r < tile.rows; ++r) {
      for (int c = 0; c < tile.columns; c += kWidth) {
        const int n = tile.columns - c;
        float* out = tile.out + r * tile.out_stride + c;
        Vec value = y(r, c);
        if (tile.bias) value = value + load_up_to<Vec>(tile.bias + c, n);
        if constexpr (kEpilogue == Epilogue::kGelu) value = gelu_of(value);
        if constexpr (kEpilogue == Epilogue::kAdd) value = value + load_up_to<Vec>(out, n);
        store_up_to(value, out, n);
      }
    }
  }
  template <class F>
  MB_INLINE static void finish(const PackedTile& tile, F y) {
    if (tile.epilogue == Epilogue::kStore) return finish_as<Epilogue::kStore>(tile, y);
    if (tile.epilogue == Epilogue::kGelu) return finish_as<Epilogue::kGelu>(tile, y);
    finish_as<Epilogue::kAdd>(tile, y);
  }

  // ---- int8 and bf16: blocks of k, whose part of the panel stays in the first-level cache while each few
  // columns pass over it. Sums between blocks lie in an array.

  // Few rows read weights from memory: each pass over a block fetches its share of the next one, in the order
  // of addresses whatever its own columns are, so that memory never rests. More rows find the panel in the
  // second-level cache, but not in an order that the processor foresees.
  static constexpr int block_words(int rows) {
    return rows <= 4 ? 16 : P::kBlockWords;
  }
  template <int R, int kBytes>
  struct Fetch {
    const std::byte* at;
    MB_INLINE Fetch(const std::byte* block, int column)
        : at(block + block_words(R) * (kWordBytes + 4 * column)) {}
    // `w`: of this pass.
    MB_INLINE void next(const std::byte* w) {
      const std::byte* ahead = R <= 4 ? at : w + 16 * kWordBytes;
#pragma GCC unroll 4
      for (int line = 0; line < kBytes; line += 64) __builtin_prefetch(ahead + line);
      at += kBytes;
    }
  };

  template <int R, int N>
  static void int8_columns(const std::byte* a, const std::byte* w, Fetch<R, N * kWidth * 4> ahead, int words,
                           bool start, std::int32_t* to) {
    Ints sums[R][N];
    each<R * N>([&](auto i) __attribute__((always_inline)) {
      constexpr int r = i.kValue / N, v = i.kValue % N;
      sums[r][v] = start ? Ints::zero() : Ints::load(to + r * kPanel + v * kWidth);
    });
    for (; words > 0; --words, a += 4 * R, w += kWordBytes) {
      ahead.next(w);
      typename P::Weights weights[N];
      each<N>([&](auto v) __attribute__((always_inline)) {
        weights[v.kValue] = P::weights(w + v.kValue * kWidth * 4);
      });
      const auto rows = P::template rows<R>(a);
      each<R * N>([&](auto i) __attribute__((always_inline)) {
        constexpr int r = i.kValue / N, v = i.kValue % N;
        sums[r][v] = P::template dot<r>(sums[r][v], weights[v], rows);
      });
    }
    each<R * N>([&](auto i) __attribute__((always_inline)) {
      constexpr int r = i.kValue / N, v = i.kValue % N;
      sums[r][v].store(to + r * kPanel + v * kWidth);
    });
  }

  // Sums of a tile of R rows, [R, kPanel].
  template <int R>
  MB_INLINE static void int8_sums(const PackedTile& tile, std::int32_t* sums) {
    constexpr int N = P::registers(R), kBlock = block_words(R);
    const std::byte* a = tile.activations + header_bytes(R);
    for (int word = 0; word < tile.depth / 4; word += kBlock, a += 4 * R * kBlock) {
      const int words = tile.depth / 4 - word < kBlock ? tile.depth / 4 - word : kBlock;
      const std::byte* w = tile.weights + word * kWordBytes;
      if constexpr (P::kUnit == 8) {
        for (int c = 0; c < tile.columns; c += 16)
          P::template int8_columns<R>(a, w + c * 4, words, word == 0, sums + c);
      } else {
        for (int c = 0; c < tile.columns; c += N * kWidth)
          int8_columns<R, N>(a, w + c * 4, {w, c}, words, word == 0, sums + c);
      }
    }
  }

  MB_INLINE static void finish_int8(const PackedTile& tile, const std::int32_t* sums) {
    finish(
        tile, [&](int r, int c) __attribute__((always_inline)) {
          const RowScale row = RowScale::of(tile, r);
          const Ints zeros = Ints::load(tile.sums + c) * Ints::all(P::kOffset - row.zero);
          const Ints sum = Ints::load(sums + r * kPanel + c) + zeros;
          return sum.to_float() * (Vec::all(row.scale) * Vec::load(tile.scales + c));
        });
  }
  template <int R>
  static void int8_rows(const PackedTile& tile) {
    alignas(64) std::int32_t sums[R * kPanel];
    int8_sums<R>(tile, sums);
    finish_int8(tile, sums);
  }

  // ---- int4: a group at a time of all columns; totals stay in the first-level cache

  // Eight columns of a group for R rows.
  template <int R>
  MB_INLINE static void int4_columns(const std::byte* a, const std::byte* w, int c, float* totals) {
    typename P::Nibbles nibbles[4];
    each<4>([&](auto j) __attribute__((always_inline)) {
      nibbles[j.kValue] = P::nibbles(w + j.kValue * kWordBytes + c * 4);
    });
    const Vec scale = Vec::load_bf16(w + kPanel * kGroup / 2 + c * 2);
    each<R>([&](auto r) __attribute__((always_inline)) {
      const std::byte* row = a + r.kValue * kGroupRow;
      const Ints sum = P::dot_group(nibbles, row, Ints::all(get<std::int32_t>(row + kGroup + 4)));
      float* total = totals + r.kValue * kPanel + c;
      const Vec both = Vec::all(get<float>(row + kGroup)) * scale;
      Vec::fma(sum.to_float(), both, Vec::load(total)).store(total);
    });
  }

  template <int R>
  static void int4_rows(const PackedTile& tile) {
    alignas(64) float totals[R * kPanel] = {};
    const std::byte* a = tile.activations;
    const std::byte* w = tile.weights;
    for (int g = 0; g < tile.depth / kGroup; ++g, a += kGroupRow * R, w += kGroupBytes) {
      // Few rows find registers for 16 columns at a time, which share the rows' words.
      constexpr int kStep = R <= 2 ? 2 * kWidth : kWidth;
      for (int c = 0; c < tile.columns; c += kStep) {
        // A quarter of a group after the next one for each quarter of this one.
        const std::byte* ahead = w + 2 * kGroupBytes + c / 16 * (kGroupBytes / 4);
        for (int at = 0; c % 16 == 0 && at < kGroupBytes / 4; at += 64) __builtin_prefetch(ahead + at);
        int4_columns<R>(a, w, c, totals);
        if constexpr (kStep > kWidth) int4_columns<R>(a, w, c + kWidth, totals);
      }
    }
    finish(
        tile, [&](int r, int c)
                  __attribute__((always_inline)) { return Vec::load(totals + r * kPanel + c); });
  }

  static void widen_int4(const std::byte* int4_panel, int depth, std::byte* panel, float* scales,
                         std::int32_t* sums) noexcept {
    const int groups = depth / kGroup;
    for (int c = 0; c < kPanel; c += kWidth) {
      const std::byte* group_scales = int4_panel + kPanel * kGroup / 2 + c * 2;
      Vec most = Vec::zero();
      for (int g = 0; g < groups; ++g) {
        const Vec scale = Vec::load_bf16(group_scales + g * kGroupBytes);
        most = Vec::max(scale, Vec::max(Vec::zero() - scale, most));
      }
      const Vec scale = most * Vec::all(8.0f / 127.0f);
      scale.store(scales + c);
      float inverse[kWidth];
      for (int i = 0; i < kWidth; ++i) inverse[i] = scales[c + i] > 0 ? 1.0f / scales[c + i] : 0.0f;
      Ints sum = Ints::zero();
      for (int g = 0; g < groups; ++g) {
        const std::byte* from = int4_panel + g * kGroupBytes + c * 4;
        std::byte* to = panel + g * (kGroup / 4) * kWordBytes + c * 4;
        const Vec ratio = Vec::load_bf16(group_scales + g * kGroupBytes) * Vec::load(inverse);
        const Vec held =
            Vec::min(Vec::max(ratio * Vec::all(2048.0f), Vec::all(-32512.0f)), Vec::all(32512.0f));
        sum = sum + P::widen_group(from, Ints::round(held), to);
      }
      sum.store(sums + c);
    }
  }

  // ---- bf16: even values of k before odd ones

  template <int R, int N>
  static void bf16_columns(const float* a, const std::byte* w, Fetch<R, N * kWidth * 4> ahead, int words,
                           bool start, float* to) {
    Vec sums[R][N];
    each<R * N>([&](auto i) __attribute__((always_inline)) {
      constexpr int r = i.kValue / N, v = i.kValue % N;
      sums[r][v] = start ? Vec::zero() : Vec::load(to + r * kPanel + v * kWidth);
    });
    for (int i = 0; i < words; ++i, a += 2 * R, w += kWordBytes) {
      ahead.next(w);
      each<2>([&](auto odd) __attribute__((always_inline)) {
        Vec weights[N];
        each<N>([&](auto v) __attribute__((always_inline)) {
          const std::byte* at = w + v.kValue * kWidth * 4;
          weights[v.kValue] = odd.kValue ? P::bf16_odd(at) : P::bf16_even(at);
        });
        each<R>([&](auto r) __attribute__((always_inline)) {
          const Vec one = Vec::all(a[odd.kValue * R + r.kValue]);
          each<N>([&](auto v) __attribute__((always_inline)) {
            sums[r.kValue][v.kValue] = Vec::fma(one, weights[v.kValue], sums[r.kValue][v.kValue]);
          });
        });
      });
    }
    each<R * N>([&](auto i) __attribute__((always_inline)) {
      constexpr int r = i.kValue / N, v = i.kValue % N;
      sums[r][v].store(to + r * kPanel + v * kWidth);
    });
  }

  // Each word of two bf16 of R rows becomes the R even values and the R odd ones, in f32.
  template <int R>
  MB_INLINE static void expand_bf16(const std::byte* from, int words, float* to) {
    for (int i = 0; i < words; ++i, from += 4 * R, to += 2 * R) {
      for (int r = 0; r < R; ++r) {
        const auto word = get<std::uint32_t>(from + 4 * r);
        const std::uint32_t even = word << 16, odd = word & 0xffff0000u;
        __builtin_memcpy(to + r, &even, 4);
        __builtin_memcpy(to + R + r, &odd, 4);
      }
    }
  }

  template <int R>
  static void bf16_rows(const PackedTile& tile) {
    constexpr int N = P::bf16_registers(R), kBlock = block_words(R);
    alignas(64) float sums[R * kPanel];
    alignas(64) float expanded[P::kBF16Unit == 8 ? 1 : R * 2 * kBlock];
    const bool last = tile.end == tile.depth;
    if (tile.begin > 0 && last) __builtin_memcpy(sums, tile.partial, sizeof sums);
    float* to = last ? sums : tile.partial;
    for (int word = tile.begin / 2; word < tile.end / 2; word += kBlock) {
      const int words = tile.end / 2 - word < kBlock ? tile.end / 2 - word : kBlock;
      const std::byte* a = tile.activations + 4 * R * static_cast<std::ptrdiff_t>(word);
      const std::byte* w = tile.weights + word * kWordBytes;
      if constexpr (P::kBF16Unit == 8) {
        for (int c = 0; c < tile.columns; c += 16)
          P::template bf16_columns<R>(a, w + c * 4, words, word == 0, to + c);
      } else {
        expand_bf16<R>(a, words, expanded);
        for (int c = 0; c < tile.columns; c += N * kWidth)
          bf16_columns<R, N>(expanded, w + c * 4, {w, c}, words, word == 0, to + c);
      }
    }
    if (!last) return;
    finish(
        tile, [&](int r, int c) __attribute__((always_inline)) { return Vec::load(sums + r * kPanel + c); });
  }

  // ---- by the number of rows

  static void tile_int8(const PackedTile& tile) noexcept {
    if constexpr (P::kHasInt8Sums) {
      alignas(64) std::int32_t sums[P::kInt8Rows * kPanel];
      P::Int8Sums::sums(tile.activations + header_bytes(tile.rows), tile.weights, tile.depth / 4, tile.rows,
                        tile.columns, sums);
      finish_int8(tile, sums);
    } else {
      with_count<P::kInt8Rows>(
          tile.rows, [&](auto r) __attribute__((always_inline)) { int8_rows<r.kValue>(tile); });
    }
  }
  static void tile_int4(const PackedTile& tile) noexcept {
    with_count<kMostRows>(
        tile.rows, [&](auto r) __attribute__((always_inline)) { int4_rows<r.kValue>(tile); });
  }
  static void tile_bf16(const PackedTile& tile) noexcept {
    with_count<kMostRows>(
        tile.rows, [&](auto r) __attribute__((always_inline)) { bf16_rows<r.kValue>(tile); });
  }
  static constexpr PackedKernels kInt8 = {
      P::kInt8Rows, pack_panels<tensor::DType::kInt8, P::kInt8Rows, pack_int8_panel>, tile_int8};
  static constexpr PackedKernels kInt4 = {
      kMostRows, pack_panels<tensor::DType::kInt4, kMostRows, pack_int4_panel>, tile_int4};
  static constexpr PackedKernels kBF16 = {
      kMostRows, pack_panels<tensor::DType::kBF16Packed, kMostRows, pack_bf16_panel>, tile_bf16};
};

}  // namespace moonbeam::kernels::simd
