// What the instructions of tiles.h do, in plain C++, for the tests of the template that uses them. Shapes are
// obeyed: what a tile does not have is neither read nor written, and shapes that do not fit each other, which
// the processor refuses, end the program.
#pragma once

#include <cstdlib>
#include <cstring>

#include "kernels/amx/tiles.h"

namespace moonbeam::kernels::amx {

template <class Isa>
struct EmulatedTiles {
  static constexpr int kRowBytes = 64;

  static void configure(const TileConfig& wanted) {
    if (std::memcmp(&config, &wanted, sizeof config) == 0) return;
    config = wanted;
    std::memset(registers, 0, sizeof registers);
    for (int t = 0; t < 8; ++t) need(wanted.rows[t] <= 16 && wanted.row_bytes[t] <= kRowBytes);
  }
  template <int kTile>
  static void zero() {
    std::memset(registers[kTile], 0, sizeof registers[kTile]);
  }
  template <int kTile>
  static void load(const std::byte* from, std::ptrdiff_t stride) {
    need(rows(kTile) > 0);
    zero<kTile>();
    for (int r = 0; r < rows(kTile); ++r)
      std::memcpy(registers[kTile][r], from + r * stride, config.row_bytes[kTile]);
  }
  template <int kTile>
  static void store(std::byte* to, std::ptrdiff_t stride) {
    for (int r = 0; r < rows(kTile); ++r)
      std::memcpy(to + r * stride, registers[kTile][r], config.row_bytes[kTile]);
  }

  template <int kSums, int kRows, int kColumns>
  static void dot_bytes() {
    each_sum<kSums, kRows, kColumns, std::int32_t>([](std::int32_t& sum, int r, int c, int words) {
      for (int i = 0; i < 4 * words; ++i) {
        const auto u = get<std::uint8_t>(kRows, r, i);
        const auto s = get<std::int8_t>(kColumns, i / 4, 4 * c + i % 4);
        sum += u * s;
      }
    });
  }
  // The products of the first values of pairs and those of the second are summed apart, then added.
  template <int kSums, int kRows, int kColumns>
  static void dot_pairs() {
    each_sum<kSums, kRows, kColumns, float>([](float& sum, int r, int c, int words) {
      float parts[2] = {0, 0};
      for (int i = 0; i < 2 * words; ++i) {
        const float a = widened(get<std::uint16_t>(kRows, r, i));
        const float w = widened(get<std::uint16_t>(kColumns, i / 2, 2 * c + i % 2));
        parts[i % 2] = __builtin_fmaf(a, w, parts[i % 2]);
      }
      sum += parts[0] + parts[1];
    });
  }

 private:
  static void need(bool condition) {
    if (!condition) std::abort();
  }
  static int rows(int tile) { return config.rows[tile]; }
  template <class T>
  static T get(int tile, int row, int index) {
    T value;
    std::memcpy(&value, registers[tile][row] + index * static_cast<int>(sizeof value), sizeof value);
    return value;
  }
  static float widened(std::uint16_t half) {
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  // fn(sum, row, column, words of a row) for each sum of the tile.
  template <int kSums, int kRows, int kColumns, class T, class F>
  static void each_sum(F fn) {
    const int words = config.row_bytes[kRows] / 4;
    need(rows(kSums) == rows(kRows) && rows(kColumns) == words &&
         config.row_bytes[kSums] == config.row_bytes[kColumns]);
    for (int r = 0; r < rows(kSums); ++r) {
      for (int c = 0; c < config.row_bytes[kSums] / 4; ++c) {
        T sum = get<T>(kSums, r, c);
        fn(sum, r, c, words);
        std::memcpy(registers[kSums][r] + c * 4, &sum, sizeof sum);
      }
    }
  }

  static inline thread_local TileConfig config = {.palette = 0};
  static inline thread_local std::byte registers[8][16][kRowBytes];
};

}  // namespace moonbeam::kernels::amx
