// Weights of a twin in the engine's files: a folder with config.json, tokenizer.json and model.safetensors,
// which the engine opens as it is; reading takes whatever the engine reads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "tensor/dtype.h"
#include "train/twin/twin.h"

namespace moonbeam::train {

/// A model to start from.
struct LoadedModel {
  Twin twin{nullptr};
  std::string tokenizer_json;
  std::string licence;  ///< SPDX; empty: not known
  /// "'text.blocks.0.attn.qkv.weight' is int8": the first tensor of a quantised type, which lost what
  /// training builds on; empty: none.
  std::string packed;
};
/// File, folder or name, in f32 on the CPU. @throws Error as the engine's loader.
LoadedModel load_twin(const std::string& path);

/// The twin's tensors ready for formats::write_safetensors, under hub names ("model.text.wte"), adapters
/// merged into the weights. Matrices in
/// `dtype` (f32 or bf16), norms, biases and tables in f32. The twin outlives the writing.
/// @param coordinate_bias  as SaveOptions
std::vector<formats::TensorToWrite> tensors_to_write(const Twin& twin, tensor::DType dtype,
                                                     double coordinate_bias = 0);

struct SaveOptions {
  tensor::DType dtype = tensor::DType::kF32;         ///< f32 or bf16
  std::map<std::string, std::string> metadata = {};  ///< of the safetensors file: "license", ...
  double coordinate_bias = 0;                        ///< added to the coordinate token's bias, in logits
};
/// Writes the folder whole or not at all. @throws Error kInvalidArgument (dtype), kExhausted, kNotFound.
void save_twin(const Twin& twin, const std::string& tokenizer_json, const std::string& folder,
               const SaveOptions& options = {});

/// Copies tensors of a safetensors file under hub or plain names into `twin`, all of them.
/// @throws Error kCorrupt naming the tensor that is missing, has another shape or is not finite.
void load_weights(Twin& twin, const std::string& safetensors);

}  // namespace moonbeam::train
