// For tests: greedy answers of a twin, to hold against the engine's. Every step runs the whole sequence again:
// right and simple, slow for large models.
#pragma once

#include <torch/torch.h>

#include <span>
#include <vector>

#include "train/twin/twin.h"

namespace moonbeam::train {

/// Image embeddings of one picture [1, cells, D].
/// @param patches  f32 [crops, patches, patch_dim], as train/batch cuts them
torch::Tensor embed_picture(Twin& twin, const torch::Tensor& patches, image::Tiling tiling);

/// Ids behind `prompt` until the end, which is not among them.
std::vector<int> answer_text(Twin& twin, const torch::Tensor& embeddings, std::span<const int> prompt,
                             int max_tokens = 128);

/// Bins of each object: x, y and with `size` also width, height. As the engine's loop: any token but the end
/// starts an object.
std::vector<std::vector<int>> answer_objects(Twin& twin, const torch::Tensor& embeddings,
                                             std::span<const int> prompt, bool size, int max_objects = 50);

}  // namespace moonbeam::train
