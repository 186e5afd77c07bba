// safetensors files and sharded folders: reading with every rule of the format checked, and writing.
// The format is drawn in docs/formats/safetensors.md.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/weight_file.h"

namespace moonbeam::formats {

/// One file. @throws Error kNotFound, kCorrupt, kUnsupported (dtype).
WeightFile open_safetensors(const std::string& path);
/// A `model.safetensors.index.json` and the files it names, which must lie beside it.
WeightFile open_sharded_safetensors(const std::string& index_path);
/// The checks alone, on bytes in memory (tests and fuzzing). Views point into `bytes`.
std::vector<NamedTensor> parse_safetensors(std::span<const std::byte> bytes, const std::string& name,
                                           std::map<std::string, std::string>* metadata = nullptr);

struct TensorToWrite {
  std::string name;
  tensor::DType dtype;
  tensor::Shape shape;
  /// Called once, in order, while writing; must call `sink` with all bytes, in pieces of any size.
  std::function<void(const std::function<void(std::span<const std::byte>)>& sink)> write;
};

/// Writes all or nothing. Data start is padded to 64 bytes.
void write_safetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace moonbeam::formats
