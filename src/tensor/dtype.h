// Element types of weights: one table, looped over by loader, converter, kernels' fall-back and tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace moonbeam::tensor {

// A family a line.
// clang-format off
enum class DType : std::uint8_t {
  kF32, kF16, kBF16, kF64, kI64, kI32, kI16, kI8, kU8, kBool, kF8E4M3, kF8E5M2,
  kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ8_0, kQ2_K, kQ3_K, kQ4_K, kQ5_K, kQ6_K, kQ8_K,
  kU16, kU32, kU64,
  kInt8, kInt4, kBF16Packed,  // whole matrices in panels: packed.h
};
// clang-format on

struct DTypeInfo {
  DType type;
  std::string_view name;         ///< ours: "f32", "bf16", "q4_k"
  std::string_view safetensors;  ///< "F32"; empty if that format has no such type
  int gguf;                      ///< ggml type number; -1 if that format has no such type
  int block;                     ///< values in a block
  int bytes;                     ///< bytes of a block
  /// Values of n (a multiple of block) elements; null: the type is known but its values are not read.
  void (*dequantize)(const std::byte* from, float* to, std::int64_t n) noexcept;
  /// The reverse; null where the type is only read.
  void (*quantize)(const float* from, std::byte* to, std::int64_t n) noexcept;
};

std::span<const DTypeInfo> dtypes() noexcept;
const DTypeInfo& info(DType type) noexcept;
const DTypeInfo* find_dtype(std::string_view name) noexcept;              ///< by our name
const DTypeInfo* find_safetensors_dtype(std::string_view name) noexcept;  ///< "BF16"
const DTypeInfo* find_gguf_dtype(int number) noexcept;

}  // namespace moonbeam::tensor
