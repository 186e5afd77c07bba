// Arithmetic and bounds on sizes that come from files. Every reader uses these, never a bare `*`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace moonbeam::base {

inline std::optional<std::uint64_t> checked_mul(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

inline std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

/// Whether [begin, begin + size) lies in [0, limit).
inline bool range_fits(std::uint64_t begin, std::uint64_t size, std::uint64_t limit) {
  return begin <= limit && size <= limit - begin;
}

/// A number of a configuration. @throws Error kCorrupt: "config vision.enc_dim: expected 1..65536, got 0".
inline void check_range(std::string_view key, int value, int low, int high) {
  if (value < low || value > high) {
    fail(ErrorCode::kCorrupt, "config ", key, ": expected ", low, "..", high, ", got ", value);
  }
}

}  // namespace moonbeam::base
