// What llama.cpp's two GGUF files of a model hold: keys, names, types and rows, without the values. The
// converter streams them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/gguf.h"
#include "model/detect.h"
#include "model/tensor_table.h"

namespace moonbeam::model {

/// Rows [first_row, first_row + shape[0]) of one of our tensors, under llama.cpp's name.
struct PairTensor {
  std::string name;
  tensor::DType dtype;
  tensor::Shape shape;     ///< as written
  const TensorSpec* spec;  ///< in the table given
  std::int64_t first_row = 0;
};

struct PairFile {
  std::string name;  ///< "text-q8_0.gguf"
  std::vector<std::pair<std::string, formats::GgufValue>> keys;
  std::vector<PairTensor> tensors;
};

/// Text model (phi2) and image encoder (clip), matrices as `type`, or f16 where a row is no multiple of its
/// block. `table` must outlive the result.
/// @throws Error kUnsupported for what llama.cpp cannot run: crops, an image prefix that sees all of itself,
/// other tokenizers. Region heads have no place there and are left out.
std::vector<PairFile> plan_llama_pair(const Identified& model, const std::string& name,
                                      const std::vector<TensorSpec>& table, const tensor::DTypeInfo& type);

}  // namespace moonbeam::model
