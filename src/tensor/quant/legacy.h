// Blocks of 32 values that GGUF files hold: q8_0, q4_0, q4_1, q5_0, q5_1. Little-endian; d and m are f16.
//   q8_0  34 bytes | d 2 | q 32 x i8            |  d*q
//   q4_0  18 bytes | d 2 | q 16                 |  d*(n - 8)
//   q4_1  20 bytes | d 2 | m 2 | q 16           |  d*n + m
//   q5_0  22 bytes | d 2 | h 4 | q 16           |  d*(n - 16)
//   q5_1  24 bytes | d 2 | m 2 | h 4 | q 16     |  d*n + m
// n of value j: nibble of q[j % 16], low for j < 16, high after; the five-bit types add bit j of h as bit 4.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/float16.h"

namespace moonbeam::tensor::quant {

inline std::uint16_t get_u16(const std::byte* from) noexcept {
  std::uint16_t value;
  std::memcpy(&value, from, 2);
  return value;
}
inline float get_f16(const std::byte* from) noexcept {
  return f16_to_f32(get_u16(from));
}
inline void put_f16(std::byte* to, float value) noexcept {
  const std::uint16_t bits = f32_to_f16(value);
  std::memcpy(to, &bits, 2);
}
/// Toward zero into [low, high]; NaN gives low.
inline int truncate(float value, int low, int high) noexcept {
  if (!(value > static_cast<float>(low))) return low;
  return value >= static_cast<float>(high) ? high : static_cast<int>(value);
}

/// Half away from zero, into [-127, 127]; NaN gives -127. std::round() would be a call for each value.
inline int round_byte(float value) noexcept {
  value = value > -127.0f ? value : -127.0f;
  value = value < 127.0f ? value : 127.0f;
  constexpr float kHalf = 0.49999997f;  // the float below 0.5: with it no sum is rounded up across a half
  return static_cast<int>(value + std::copysign(kHalf, value));
}

inline void dequantize_q8_0(const std::byte* from, float* to, std::int64_t n) noexcept {
  for (std::int64_t b = 0; b < n / 32; ++b, from += 34, to += 32) {
    const float d = get_f16(from);
    for (int j = 0; j < 32; ++j) to[j] = d * static_cast<float>(static_cast<std::int8_t>(from[2 + j]));
  }
}
inline void quantize_q8_0(const float* from, std::byte* to, std::int64_t n) noexcept {
  for (std::int64_t b = 0; b < n / 32; ++b, from += 32, to += 34) {
    // Eight maxima side by side: of a single one compilers make no vectors.
    float lanes[8] = {};
    for (int i = 0; i < 32; i += 8) {
      for (int j = 0; j < 8; ++j) {
        const float value = std::fabs(from[i + j]);
        lanes[j] = value > lanes[j] ? value : lanes[j];
      }
    }
    const float most = *std::max_element(lanes, lanes + 8);
    const float d = most / 127.0f, inverse = d == 0 ? 0.0f : 1.0f / d;
    put_f16(to, d);
    std::int8_t q[32];  // `to` might overlap with `from`, for all the compiler knows
    for (int j = 0; j < 32; ++j) q[j] = static_cast<std::int8_t>(round_byte(from[j] * inverse));
    std::memcpy(to + 2, q, sizeof q);
  }
}

/// kBits 4 or 5; kMinimum: values are d*n + m, else centred.
template <int kBits, bool kMinimum>
struct Nibbles {
  static constexpr int kHead = kMinimum ? 4 : 2;
  static constexpr int kData = kHead + (kBits == 5 ? 4 : 0);
  static constexpr int kBytes = kData + 16;
  static constexpr int kLevels = 1 << kBits;

  static void dequantize(const std::byte* from, float* to, std::int64_t n) noexcept {
    for (std::int64_t b = 0; b < n / 32; ++b, from += kBytes, to += 32) {
      const float d = get_f16(from);
      std::uint32_t high = 0;
      if constexpr (kBits == 5) std::memcpy(&high, from + kHead, 4);
      for (int j = 0; j < 32; ++j) {
        const int byte = static_cast<int>(from[kData + j % 16]);
        const int level = (j < 16 ? byte & 15 : byte >> 4) | static_cast<int>((high >> j) & 1u) << 4;
        if constexpr (kMinimum) {
          to[j] = d * static_cast<float>(level) + get_f16(from + 2);
        } else {
          to[j] = d * static_cast<float>(level - kLevels / 2);
        }
      }
    }
  }

  static void quantize(const float* from, std::byte* to, std::int64_t n) noexcept {
    for (std::int64_t b = 0; b < n / 32; ++b, from += 32, to += kBytes) {
      float low = from[0], high = from[0], largest = 0;
      for (int j = 0; j < 32; ++j) {
        low = std::min(low, from[j]);
        high = std::max(high, from[j]);
        if (std::fabs(from[j]) > std::fabs(largest)) largest = from[j];
      }
      const float d = kMinimum ? (high - low) / static_cast<float>(kLevels - 1)
                               : largest / static_cast<float>(-kLevels / 2);
      const float inverse = d == 0 ? 0.0f : 1.0f / d;
      put_f16(to, d);
      if constexpr (kMinimum) put_f16(to + 2, low);
      std::uint8_t bytes[16] = {};
      std::uint32_t fifth = 0;
      for (int j = 0; j < 32; ++j) {
        const float x = kMinimum ? (from[j] - low) * inverse + 0.5f
                                 : from[j] * inverse + (static_cast<float>(kLevels / 2) + 0.5f);
        const int level = truncate(x, 0, kLevels - 1);
        bytes[j % 16] = static_cast<std::uint8_t>(bytes[j % 16] | (level & 15) << (j < 16 ? 0 : 4));
        fifth |= static_cast<std::uint32_t>(level >> 4) << j;
      }
      if constexpr (kBits == 5) std::memcpy(to + kHead, &fifth, 4);
      std::memcpy(to + kData, bytes, 16);
    }
  }
};
using Q4_0 = Nibbles<4, false>;
using Q4_1 = Nibbles<4, true>;
using Q5_0 = Nibbles<5, false>;
using Q5_1 = Nibbles<5, true>;

}  // namespace moonbeam::tensor::quant
