// 16-bit floats, bit by bit; the definition that the kernels are compared with.
#pragma once

#include <bit>
#include <cstdint>

namespace moonbeam::tensor {

inline float bf16_to_f32(std::uint16_t h) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(h) << 16);
}

/// Round to nearest even; NaN stays NaN (made quiet).
inline std::uint16_t f32_to_bf16(float f) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float f16_to_f32(std::uint16_t h) noexcept;  ///< subnormals kept
std::uint16_t f32_to_f16(float f) noexcept;  ///< round to nearest even, overflow to infinity

}  // namespace moonbeam::tensor
