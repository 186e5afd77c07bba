// The loops that pack weights (packed.h), over W columns side by side in a vector of the compiler's: no value
// is summed across lanes, so every width gives the same bytes. Included once for each instruction set, with a
// type `Isa` of its own, so that functions compiled under different flags stay apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "tensor/packed.h"

namespace moonbeam::tensor {

// Spelt out: of a size that depends on a template's argument GCC 12 forgets the vector here and there.
template <int W>
struct PackLanes;
template <>
struct PackLanes<4> {
  using Floats [[gnu::vector_size(16)]] = float;
  using Bits [[gnu::vector_size(16)]] = std::uint32_t;
};
template <>
struct PackLanes<8> {
  using Floats [[gnu::vector_size(32)]] = float;
  using Bits [[gnu::vector_size(32)]] = std::uint32_t;
};

template <int W, typename Isa>
class PackLoops {
 public:
  static void pack_strip(const PackedLayout& layout, int strip, const float* rows, int columns,
                         std::byte* to) noexcept {
    MB_ASSERT(strip >= 0 && strip < layout.panels * kStripsOfPanel && columns >= 0);
    MB_ASSERT(columns <= kStripColumns);
    const std::size_t inside = static_cast<std::size_t>(strip % kStripsOfPanel) * kStripColumns;
    const Strip of{layout, rows, columns,
                   to + static_cast<std::size_t>(strip / kStripsOfPanel) * layout.panel + inside * 4};
    if (layout.type == DType::kInt8) {
      const std::size_t column = static_cast<std::size_t>(strip) * kStripColumns;
      pack_int8(of, reinterpret_cast<float*>(to + layout.scales) + column,
                reinterpret_cast<std::int32_t*>(to + layout.sums) + column);
    } else if (layout.type == DType::kInt4) {
      pack_int4(of, inside);
    } else {
      pack_bf16(of);
    }
  }

 private:
  static_assert(kStripColumns % W == 0);
  using Floats = typename PackLanes<W>::Floats;
  using Bits = typename PackLanes<W>::Bits;

  static constexpr int kParts = kStripColumns / W;  // vectors of columns in a strip
  static constexpr int kPiece = 32;                 // values of k that are turned at once
  static_assert(kPiece == kInt4Group && kDepthStep % kPiece == 0);
  static constexpr std::ptrdiff_t kRow = kPanelColumns * 4;  // bytes of a panel under one word of k

  struct Strip {
    const PackedLayout& layout;
    const float* rows;
    int columns;
    std::byte* out;  // the strip's first word
  };

  static int clamp(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

  /// kPiece values of k, each a vector of columns.
  struct Turned {
    alignas(64) Floats x[kPiece];
  };

  // With a vector as the condition, ?: chooses lane by lane; NaN gives the second.
  static Floats most(Floats a, Floats b) { return a > b ? a : b; }
  static Floats least(Floats a, Floats b) { return a < b ? a : b; }

  // Below 2^22, adding 1.5 x 2^23 leaves no bits behind the point (half to even), and the number itself in
  // the lowest bits.
  static constexpr float kNoFraction = 12582912.0f;
  static constexpr std::uint32_t kNoFractionBits = 0x4b400000u;

  static Floats within(Floats x, float low, float high) {
    return least(most(x, Floats{} + low), Floats{} + high);
  }

  static Turned turn(const Strip& strip, int part, int begin) {
    Turned out;
    alignas(64) float x[kPiece][W];
    const int columns = clamp(strip.columns - part * W, 0, W);
    const int count = clamp(strip.layout.k - begin, 0, kPiece);
    if (columns < W || count < kPiece) std::memset(x, 0, sizeof x);
    for (int c = 0; c < columns; ++c) {
      const float* row = strip.rows + static_cast<std::ptrdiff_t>(part * W + c) * strip.layout.k + begin;
      if (count == kPiece) {
        for (int i = 0; i < kPiece; ++i) x[i][c] = row[i];
      } else {
        for (int i = 0; i < count; ++i) x[i][c] = row[i];
      }
    }
    std::memcpy(out.x, x, sizeof x);
    return out;
  }

  static float largest_magnitude(const float* x, int n) {
    constexpr int kSteps = 4;
    Floats most_of[kSteps] = {};
    int i = 0;
    for (; i + kSteps * W <= n; i += kSteps * W) {
      for (int j = 0; j < kSteps; ++j) {
        Bits value;
        std::memcpy(&value, x + i + j * W, sizeof value);
        most_of[j] = most(reinterpret_cast<Floats>(value & 0x7fffffffu), most_of[j]);
      }
    }
    float out = 0;
    for (; i < n; ++i) {
      const float value = x[i] < 0 ? -x[i] : x[i];
      out = value > out ? value : out;
    }
    for (const Floats& part : most_of) {
      for (int j = 0; j < W; ++j) out = part[j] > out ? part[j] : out;
    }
    return out;
  }

  static void pack_int8(const Strip& strip, float* scales, std::int32_t* sums) {
    Floats inverse[kParts] = {};
    Bits sum[kParts] = {};
    for (int c = 0; c < kStripColumns; ++c) {
      const float* row = strip.rows + static_cast<std::ptrdiff_t>(c) * strip.layout.k;
      scales[c] = c < strip.columns ? largest_magnitude(row, strip.layout.k) / 127.0f : 0.0f;
      inverse[c / W][c % W] = scales[c] > 0 ? 1.0f / scales[c] : 0.0f;
    }
    std::byte* out = strip.out;
    for (int begin = 0; begin < strip.layout.depth; begin += kPiece, out += kPiece / 4 * kRow) {
      for (int part = 0; part < kParts; ++part) {
        const Turned turned = turn(strip, part, begin);
        for (int i = 0; i < kPiece; i += 4) {
          Bits word = {};
          for (int b = 0; b < 4; ++b) {
            const Floats q = within(turned.x[i + b] * inverse[part], -127.0f, 127.0f) + kNoFraction;
            const Bits bits = reinterpret_cast<Bits>(q);
            sum[part] += bits;
            word |= (bits & 255u) << (8 * b);
          }
          std::memcpy(out + i / 4 * kRow + part * W * 4, &word, sizeof word);
        }
      }
    }
    for (int c = 0; c < kStripColumns; ++c) {
      const std::uint32_t offset = kNoFractionBits * static_cast<std::uint32_t>(strip.layout.depth);
      sums[c] = static_cast<std::int32_t>(sum[c / W][c % W] - offset);
    }
  }

  // f32_to_bf16(), which other files compile under other flags.
  static std::uint16_t to_bf16(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const std::uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    return static_cast<std::uint16_t>(((bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x400000u : rounded) >>
                                      16);
  }

  // Rows first: rounding whole rows and moving words of two values costs less than turning floats.
  static void pack_bf16(const Strip& strip) {
    std::byte* out = strip.out;
    for (int begin = 0; begin < strip.layout.depth; begin += kPiece, out += kPiece / 2 * kRow) {
      const int count = clamp(strip.layout.k - begin, 0, kPiece);
      alignas(64) std::uint16_t piece[kStripColumns][kPiece] = {};
      for (int c = 0; c < strip.columns; ++c) {
        const float* x = strip.rows + static_cast<std::ptrdiff_t>(c) * strip.layout.k + begin;
        for (int i = 0; i < count; ++i) piece[c][i] = to_bf16(x[i]);
      }
      for (int i = 0; i < kPiece; i += 2) {
        for (int c = 0; c < kStripColumns; ++c) std::memcpy(out + i / 2 * kRow + c * 4, &piece[c][i], 4);
      }
    }
  }

  static Floats round_int4(Floats x) { return within(x, -8.0f, 7.0f) + kNoFraction - kNoFraction; }

  /// The scales, rounded to bf16, with which the group's squared errors are least. Of the candidates that put
  /// the value furthest from 0 a little outside -8 or 7 or onto 7, the one whose whole numbers lie most in
  /// the values' direction wins; its scale is the one that fits those numbers best.
  static Bits int4_scales(const Turned& turned) {
    constexpr float kCandidates[] = {-8.4f, -7.6f, 7.0f, 7.6f};
    constexpr int kCount = sizeof(kCandidates) / sizeof(float);
    constexpr float kTiny = 1e-37f;  // its inverse is finite
    Floats low = {}, high = {};
    for (const Floats& x : turned.x) {
      low = least(x, low);
      high = most(x, high);
    }
    const Floats furthest = -low > high ? low : high;
    const Floats inverse = (most(furthest, -furthest) > kTiny ? 1.0f / furthest : Floats{});
    Floats products[kCount] = {}, squares[kCount] = {};
    for (const Floats& x : turned.x) {
      const Floats share = x * inverse;  // in -1..1: squares neither vanish nor overflow
      for (int i = 0; i < kCount; ++i) {
        const Floats q = round_int4(share * kCandidates[i]);
        products[i] += share * q;
        squares[i] += q * q;
      }
    }
    Floats best = {}, scale = {};
    for (int i = 0; i < kCount; ++i) {
      const Floats fit = squares[i] > 0.0f ? products[i] / squares[i] : Floats{};
      const Floats explained = products[i] * fit;  // of the sum of squares
      scale = explained > best ? fit : scale;
      best = most(explained, best);
    }
    const Bits bits = reinterpret_cast<Bits>(scale * furthest);
    return (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
  }

  static void pack_int4(const Strip& strip, std::size_t first_column) {
    constexpr std::ptrdiff_t kGroup = kInt4Group / 8 * kRow + kPanelColumns * 2;
    std::byte* out = strip.out;
    // The scales of a group lie behind its words, 2 bytes a column.
    std::byte* scales = out - first_column * 4 + kInt4Group / 8 * kRow + first_column * 2;
    for (int begin = 0; begin < strip.layout.depth; begin += kPiece, out += kGroup, scales += kGroup) {
      for (int part = 0; part < kParts; ++part) {
        const Turned turned = turn(strip, part, begin);
        const Bits scale_bits = int4_scales(turned);
        const Floats scale = reinterpret_cast<Floats>(scale_bits);
        const Floats inverse = scale != 0.0f ? 1.0f / scale : Floats{};
        for (int c = 0; c < W; ++c) {
          const auto half = static_cast<std::uint16_t>(scale_bits[c] >> 16);
          std::memcpy(scales + (part * W + c) * 2, &half, sizeof half);
        }
        for (int j = 0; j < kInt4Group / 8; ++j) {
          Bits word = {};
          for (int b = 0; b < 4; ++b) {
            word |= (nibble(turned.x[8 * j + b] * inverse) | nibble(turned.x[8 * j + 4 + b] * inverse) << 4)
                    << (8 * b);
          }
          std::memcpy(out + j * kRow + part * W * 4, &word, sizeof word);
        }
      }
    }
  }

  static Bits nibble(Floats x) {  // q + 8
    return reinterpret_cast<Bits>(within(x, -8.0f, 7.0f) + kNoFraction) - (kNoFractionBits - 8u);
  }
};

}  // namespace moonbeam::tensor
