// Numbers in files: little-endian at any address.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace moonbeam::formats {

static_assert(std::endian::native == std::endian::little, "readers and writers copy numbers as they are");

/// The caller has checked that sizeof(T) bytes are there.
template <typename T>
T load_le(const std::byte* from) noexcept {
  static_assert(std::is_arithmetic_v<T>);
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

}  // namespace moonbeam::formats
