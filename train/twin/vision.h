// Twin of the image encoder and projector: src/vision in LibTorch.
//
// Follows vikhyat/moondream moondream/torch/vision.py.
#pragma once

#include <torch/torch.h>

#include <span>

#include "image/tiling.h"
#include "train/twin/layers.h"
#include "vision/config.h"

namespace moonbeam::train {

// Letters here: C crops of all pictures, P patches of a crop, D width, N pictures, G side of the grid of
// image embeddings, T text width.

class VisionBlockImpl : public torch::nn::Module {
 public:
  explicit VisionBlockImpl(const vision::VisionConfig& config);
  torch::Tensor forward(torch::Tensor x);

  torch::nn::LayerNorm ln1{nullptr}, ln2{nullptr};
  Attention attn{nullptr};
  Mlp mlp{nullptr};
};
TORCH_MODULE(VisionBlock);

class VisionTwinImpl : public torch::nn::Module {
 public:
  /// @throws Error kUnsupported for the cropping of 2024-05-20 .. 08-26.
  explicit VisionTwinImpl(const vision::VisionConfig& config);

  /// patches [C, P, patch_dim] -> features [C, P, D], after post_ln.
  /// @param rows  i64 [C, P]: row of the position table that each patch takes, for windows smaller than a
  ///              crop; undefined: all of them in order.
  torch::Tensor features(const torch::Tensor& patches, const torch::Tensor& rows = {});

  /// Features of the pictures' crops, one picture after the other, each its global crop first and, unless its
  /// tiling is single, its local ones -> image embeddings [N, G * G, T].
  torch::Tensor embed(const torch::Tensor& features, std::span<const image::Tiling> tilings);

  /// Of the features of a batch: those of the global crops alone [N, P, D].
  torch::Tensor global_features(const torch::Tensor& features, std::span<const image::Tiling> tilings);

  const vision::VisionConfig& config() const { return config_; }

  torch::nn::Linear patch_emb{nullptr};
  torch::Tensor pos_emb;  // [1, P, D]
  torch::nn::ModuleList blocks;
  torch::nn::LayerNorm post_ln{nullptr};
  Mlp proj_mlp{nullptr};

 private:
  torch::Tensor local_features(const torch::Tensor& crops, image::Tiling tiling);

  vision::VisionConfig config_;
};
TORCH_MODULE(VisionTwin);

/// Crop features [rows * cols, P, D] put side by side without the overlap -> [H, W, D].
torch::Tensor reconstruct_from_crops(const torch::Tensor& crops, image::Tiling tiling, int side, int margin);

/// Means of cells: map [N, H, W, D] -> [N, grid, grid, D].
torch::Tensor pool_map(const torch::Tensor& map, int grid);

}  // namespace moonbeam::train
