// Low-rank adapters of the text blocks: beside W x + b each adapted layer adds B (A x), with the scale folded
// in. A [rank, in] is random at the start, B [out, rank] zero, so that nothing changes until something is
// learnt.
//
// Follows vikhyat/moondream moondream/torch/lora.py, but for attn.proj's input: here it is the attention's
// output, as for every other layer, and the file says so ("proj_input": "attn").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "train/twin/twin.h"

namespace moonbeam::train {

/// "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2".
const std::vector<std::string>& lora_targets();

/// Gives every text block adapters. @param targets  of lora_targets(), each once
/// @throws Error kInvalidArgument (a rank below 1, another target).
void add_lora(Twin& twin, int rank, const std::vector<std::string>& targets, std::uint64_t seed);

/// "text.blocks.0.attn.qkv.A", "text.blocks.0.attn.qkv.B", ..., block after block; none without adapters.
std::vector<NamedTwinTensor> lora_tensors(const Twin& twin);

/// As twin_tensors, adapters added to the weights that they stand beside.
std::vector<NamedTwinTensor> merged_tensors(const Twin& twin);

/// W += B A in every adapted layer, and no adapters any more.
void merge_lora(Twin& twin);

/// The adapters alone as safetensors, with metadata "base", "rank" and "proj_input".
/// @param base   name of the model that they fit
/// @param dtype  f32 or bf16
/// @throws Error kInvalidArgument (no adapters, dtype), kExhausted, kNotFound.
void save_lora(const Twin& twin, const std::string& base, const std::string& path, tensor::DType dtype);

}  // namespace moonbeam::train
