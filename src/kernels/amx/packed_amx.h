// Packed products by tiles of 16 rows of 64 bytes. A panel of weights is a row of B tiles as it is: 16 words
// of k, 256 bytes apart, of 16 columns. `T` has the instructions (tiles.h, or emulated_tiles.h for tests).
//
// An activation panel of R rows is, for each 64 bytes of k, R rows of 64 bytes: an A tile is 1 KiB in one
// piece. int8 panels of few rows are VNNI's: such products wait for memory, and their sums are the same
// integers. All panels of bf16 are multiplied by tiles, whatever their rows: a tile adds in an order of its
// own, and a row's result must not depend on its company.
#pragma once

#include "kernels/amx/tiles.h"
#include "kernels/avx512bf16/avx512bf16.h"
#include "kernels/avx512bf16/round.h"
#include "kernels/avx512vnni/avx512vnni.h"
#include "kernels/simd/packed512.h"

namespace moonbeam::kernels::amx {

template <class T, class Isa>
struct PackedAmx {
  using Packed = simd::Packed512<Isa>;
  using Vec = typename Packed::Vec;
  static constexpr int kRows = 32;  // two tiles
  static constexpr int kFewRows = simd::kPackedRows;
  static constexpr int kTileRows = 16;
  static constexpr int kStepBytes = 64;  // of k
  static constexpr std::ptrdiff_t kPanelStep = kStepBytes / 4 * simd::kStep;
  static constexpr std::ptrdiff_t kSumStride = kPanel * 4;

  // ---- activations

  static void pack_int8_panel(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    if (rows <= kFewRows) return avx512vnni::table().int8.pack(x, stride, rows, k, panel);
    std::byte* out = panel + simd::header_bytes(rows);
    for (int r = 0; r < rows; ++r, x += stride) {
      const simd::RowScale row = Packed::row_scale(x, k);
      row.put(r, panel);
      const Vec inverse = Vec::all(row.inverse());
      const __m512i zero = _mm512_set1_epi32(row.zero);
      each_part(
          rows, r, k, 1, out, [&](int i, std::byte* to) __attribute__((always_inline)) {
            const __m128i u = Packed::quantise(Packed::load(x + i, k - i), inverse, zero);
            _mm_storeu_si128(reinterpret_cast<__m128i*>(to), u);
          });
    }
  }

  static void pack_bf16_panel(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel) {
    for (int r = 0; r < rows; ++r, x += stride) {
      each_part(
          rows, r, k, 2, panel, [&](int i, std::byte* to) __attribute__((always_inline)) {
            const __m256i halves = avx512bf16::Round<Isa>::round(Packed::load(x + i, k - i));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), halves);
          });
    }
  }

  // fn(i, to) for each 16 values of row r, from value i on.
  template <class F>
  MB_INLINE static void each_part(int rows, int r, int k, int size, std::byte* panel, F fn) {
    std::byte* to = panel + r * kStepBytes;
    const int step = kStepBytes / size;
    for (int begin = 0; begin < simd::padded(k); begin += step, to += rows * kStepBytes) {
      for (int i = 0; i < step; i += simd::kRegisterColumns) fn(begin + i, to + i * size);
    }
  }

  // ---- sums

  struct Bytes {
    template <int kSums, int kA, int kB>
    MB_INLINE static void dot() {
      T::template dot_bytes<kSums, kA, kB>();
    }
  };
  struct Pairs {
    template <int kSums, int kA, int kB>
    MB_INLINE static void dot() {
      T::template dot_pairs<kSums, kA, kB>();
    }
  };

  // Tiles 0 to 3 are sums, 4 and up A tiles, the others B tiles: two by two blocks of 16 x 16, each loaded
  // tile used twice, or, of up to 16 rows, all four of the panel's width, so that it is read in one pass.
  template <int kRowTiles>
  struct Numbers {
    static constexpr int kColumnTiles = 4 / kRowTiles;
    static constexpr int sum(int i, int j) { return i * kColumnTiles + j; }
    static constexpr int a(int i) { return 4 + i; }
    static constexpr int b(int j) { return 4 + kRowTiles + j % (4 - kRowTiles); }
  };

  template <int kRowTiles>
  MB_INLINE static void configure(int rows) {
    using N = Numbers<kRowTiles>;
    TileConfig config;
    for (int t = 0; t < 8; ++t) {
      config.row_bytes[t] = kStepBytes;
      config.rows[t] = kTileRows;
    }
    const auto last = static_cast<std::uint8_t>(rows - (kRowTiles - 1) * kTileRows);
    for (int j = 0; j < N::kColumnTiles; ++j) config.rows[N::sum(kRowTiles - 1, j)] = last;
    config.rows[N::a(kRowTiles - 1)] = last;
    T::configure(config);
  }

  // `steps` of 64 bytes of k; `a`, `w`: where the first begins. sums [rows, kPanel], continued unless
  // `start`.
  template <class Product, int kRowTiles>
  static void multiply(const std::byte* a, const std::byte* w, int steps, int rows, bool start,
                       std::byte* sums) {
    using N = Numbers<kRowTiles>;
    configure<kRowTiles>(rows);
    const std::ptrdiff_t a_step = static_cast<std::ptrdiff_t>(rows) * kStepBytes;
    constexpr int kColumnBytes = N::kColumnTiles * kStepBytes;
    for (int c = 0; c < kSumStride; c += kColumnBytes) {
      simd::each<4>([&](auto t) __attribute__((always_inline)) {
        constexpr int i = t.kValue / N::kColumnTiles, j = t.kValue % N::kColumnTiles;
        if (start) return T::template zero<N::sum(i, j)>();
        T::template load<N::sum(i, j)>(sums + i * kTileRows * kSumStride + c + j * kStepBytes, kSumStride);
      });
      for (int s = 0; s < steps; ++s) {
        simd::each<kRowTiles>([&](auto i) __attribute__((always_inline)) {
          T::template load<N::a(i.kValue)>(a + s * a_step + i.kValue * kTileRows * kStepBytes, kStepBytes);
        });
        simd::each<N::kColumnTiles>([&](auto j) __attribute__((always_inline)) {
          T::template load<N::b(j.kValue)>(w + s * kPanelStep + c + j.kValue * kStepBytes, simd::kStep);
          simd::each<kRowTiles>([&](auto i) __attribute__((always_inline)) {
            Product::template dot<N::sum(i.kValue, j.kValue), N::a(i.kValue), N::b(j.kValue)>();
          });
        });
      }
      simd::each<4>([&](auto t) __attribute__((always_inline)) {
        constexpr int i = t.kValue / N::kColumnTiles, j = t.kValue % N::kColumnTiles;
        T::template store<N::sum(i, j)>(sums + i * kTileRows * kSumStride + c + j * kStepBytes, kSumStride);
      });
    }
  }

  template <class Product>
  static void multiply(const std::byte* a, const std::byte* w, int steps, int rows, bool start,
                       std::byte* sums) {
    if (rows > kTileRows) return multiply<Product, 2>(a, w, steps, rows, start, sums);
    multiply<Product, 1>(a, w, steps, rows, start, sums);
  }

  // ---- the end of a tile: y(r, v, bias) as in packed512.h, a row at a time

  template <class F>
  MB_INLINE static void finish(const PackedTile& tile, F y) {
    PackedTile row = tile;
    for (int r = 0; r < tile.rows; ++r, row.out += tile.out_stride) {
      Packed::template finish<1, simd::kPanelRegisters>(
          row, 0, [&](int, int v, Vec bias) __attribute__((always_inline)) { return y(r, v, bias); });
    }
  }

  static void tile_int8(const PackedTile& tile) noexcept {
    if (tile.rows <= kFewRows) return avx512vnni::table().int8.tile(tile);
    alignas(64) std::int32_t sums[kRows * kPanel];
    multiply<Bytes>(tile.activations + simd::header_bytes(tile.rows), tile.weights, tile.depth / kStepBytes,
                    tile.rows, true, reinterpret_cast<std::byte*>(sums));
    finish(
        tile, [&](int r, int v, Vec bias) __attribute__((always_inline)) {
          const __m512i sum = _mm512_load_si512(sums + r * kPanel + v * simd::kRegisterColumns);
          return Packed::int8_value(tile, r, v, sum, bias);
        });
  }

  static void tile_bf16(const PackedTile& tile) noexcept {
    alignas(64) float own[kRows * kPanel];
    const bool last = tile.end == tile.depth;
    if (tile.begin > 0 && last) {
      __builtin_memcpy(own, tile.partial, static_cast<std::size_t>(tile.rows * kSumStride));
    }
    float* sums = last ? own : tile.partial;
    constexpr int kValues = kStepBytes / 2;
    const int first = tile.begin / kValues;
    multiply<Pairs>(tile.activations + static_cast<std::ptrdiff_t>(first) * tile.rows * kStepBytes,
                    tile.weights + first * kPanelStep, tile.end / kValues - first, tile.rows, tile.begin == 0,
                    reinterpret_cast<std::byte*>(sums));
    if (!last) return;
    finish(
        tile, [&](int r, int v, Vec bias) __attribute__((always_inline)) {
          return Vec::load(own + r * kPanel + v * simd::kRegisterColumns) + bias;
        });
  }

  static constexpr PackedKernels kInt8 = {
      kRows, simd::pack_panels<tensor::DType::kInt8, kRows, pack_int8_panel>, tile_int8};
  static constexpr PackedKernels kBF16 = {
      kRows, simd::pack_panels<tensor::DType::kBF16Packed, kRows, pack_bf16_panel>, tile_bf16};

  /// AVX-512 BF16's table with these products.
  static KernelTable table(std::string_view isa) {
    KernelTable table = avx512bf16::table();
    table.isa = isa;
    table.int8 = kInt8;
    table.bf16_packed = kBF16;
    return table;
  }
};

}  // namespace moonbeam::kernels::amx
