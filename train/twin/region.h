// Twin of the region heads: src/region in LibTorch.
//
// Follows vikhyat/moondream moondream/torch/region.py.
#pragma once

#include <torch/torch.h>

#include "region/config.h"
#include "train/twin/layers.h"

namespace moonbeam::train {

/// concat(cos(2 pi x w), sin(2 pi x w)): x [n, c], w [c, m] -> [n, 2 m].
torch::Tensor fourier_features(const torch::Tensor& x, const torch::Tensor& w);

class RegionTwinImpl : public torch::nn::Module {
 public:
  explicit RegionTwinImpl(const region::RegionConfig& config);

  torch::Tensor encode_coordinate(const torch::Tensor& values /*[n, 1]*/);  // [n, D]
  torch::Tensor encode_size(const torch::Tensor& sizes /*[n, 2]: width, height*/);
  torch::Tensor decode_coordinate(const torch::Tensor& hidden /*[n, D]*/);  // [n, bins]
  torch::Tensor decode_size(const torch::Tensor& hidden);                   // [n, 2, bins]: width, height

  const region::RegionConfig& config() const { return config_; }

  torch::Tensor coord_features, size_features;  // [1, m], [2, m]: buffers, drawn once and never trained
  torch::nn::Linear coord_encoder{nullptr}, size_encoder{nullptr};
  Mlp coord_decoder{nullptr}, size_decoder{nullptr};

 private:
  region::RegionConfig config_;
};
TORCH_MODULE(RegionTwin);

}  // namespace moonbeam::train
