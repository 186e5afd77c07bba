// Named tensors of a model file, whatever its container; every offset and size checked before it gets here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/tensor_view.h"

namespace moonbeam::formats {

struct NamedTensor {
  std::string name;  ///< as in the file
  tensor::TensorView view;
};

/// Owns the mappings its views point into. Tensors are in order of name.
struct WeightFile {
  std::string path;    ///< as the user named it
  std::string format;  ///< "safetensors", "safetensors (sharded)", "gguf"
  std::vector<std::shared_ptr<const base::MappedFile>> files;
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;  ///< safetensors __metadata__

  const tensor::TensorView* find(std::string_view name) const noexcept;
};

}  // namespace moonbeam::formats
