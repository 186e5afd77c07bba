// GGUF files, version 2 and 3: keys and tensors, reading with every rule checked, and writing version 3.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "formats/safetensors.h"
#include "formats/weight_file.h"

namespace moonbeam::formats {

/// A value of a key. Integers of all widths become int64 or uint64, floats double; arrays hold one kind
/// (nested arrays are checked and dropped: no model of ours needs them).
using GgufValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string,
                               std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

struct GgufFile {
  WeightFile weights;  ///< shapes already in our order, slowest first
  std::map<std::string, GgufValue> keys;

  const GgufValue* find(const std::string& key) const noexcept;
  /// @throws Error kCorrupt naming the key if it has another type.
  std::optional<std::string> string(const std::string& key) const;
  std::optional<std::int64_t> integer(const std::string& key) const;
  std::optional<double> number(const std::string& key) const;
};

/// @throws Error kNotFound, kCorrupt, kUnsupported (version, big-endian, tensor type).
GgufFile open_gguf(const std::string& path);
/// The checks alone, on bytes in memory. Views point into `bytes`; weights.files stays empty.
GgufFile parse_gguf(std::span<const std::byte> bytes, const std::string& name);

/// Writes version 3, all or nothing. Alignment 64.
void write_gguf(const std::string& path, const std::vector<std::pair<std::string, GgufValue>>& keys,
                std::span<const TensorToWrite> tensors);

}  // namespace moonbeam::formats
