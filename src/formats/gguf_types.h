// Types of values in GGUF's keys, by the number that stands in the file.
#pragma once

#include <cstdint>

namespace moonbeam::formats {

enum class GgufType : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

/// Bytes that a value takes at least: a string's length, an array's element type and count.
constexpr std::uint64_t least_bytes(GgufType type) {
  constexpr std::uint64_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return kBytes[static_cast<std::uint32_t>(type)];
}

}  // namespace moonbeam::formats
