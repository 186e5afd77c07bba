// One row per tensor: our plain name, its names in other layouts, its shape. Loader, converter, inspect,
// generator and trainer go by it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "tensor/tensor_view.h"

namespace moonbeam::model {

enum class TensorKind {
  kMatrix,  ///< stays where it lies, in the file's type
  kSmall,   ///< norms, biases, position and Fourier tables: f32 in memory
};

struct TensorSpec {
  std::string name;             ///< "text.blocks.0.attn.qkv.weight"
  std::string checkpoint_2024;  ///< layout A, "text_model.transformer.h.0.mixer.Wqkv.weight"
  std::string gguf;             ///< llama.cpp pair, "blk.0.attn_qkv.weight"; empty: not in it
  tensor::Shape shape;
  bool transposed_2024 = false;  ///< layout A holds it as [columns, rows]
  TensorKind kind = TensorKind::kMatrix;
};

/// Every tensor of a model, vision first, in the order of the forward pass.
std::vector<TensorSpec> tensor_table(const ModelConfig& config);

/// Number of values in all of them.
std::int64_t parameter_count(const std::vector<TensorSpec>& table);

}  // namespace moonbeam::model
