#include "train/twin/region.h"

#include <numbers>

namespace moonbeam::train {

namespace nn = torch::nn;
using torch::Tensor;

Tensor fourier_features(const Tensor& x, const Tensor& w) {
  // Not a matmul: autocast would make it bf16, and an angle of some turns needs its fraction.
  const Tensor angles = ((x * (2 * std::numbers::pi)).unsqueeze(-1) * w).sum(-2);
  return torch::cat({angles.cos(), angles.sin()}, -1);
}

RegionTwinImpl::RegionTwinImpl(const region::RegionConfig& config) : config_(config) {
  coord_features = register_buffer("coord_features", torch::zeros({1, config.coord_feat_dim / 2}));
  coord_encoder = register_module("coord_encoder", nn::Linear(config.coord_feat_dim, config.dim));
  coord_decoder = register_module("coord_decoder", Mlp(config.dim, config.inner_dim, config.coord_out_dim));
  size_features = register_buffer("size_features", torch::zeros({2, config.size_feat_dim / 2}));
  size_encoder = register_module("size_encoder", nn::Linear(config.size_feat_dim, config.dim));
  size_decoder = register_module("size_decoder", Mlp(config.dim, config.inner_dim, config.size_out_dim));
}

Tensor RegionTwinImpl::encode_coordinate(const Tensor& values) {
  return coord_encoder(fourier_features(values.to(coord_features.dtype()), coord_features));
}

Tensor RegionTwinImpl::encode_size(const Tensor& sizes) {
  return size_encoder(fourier_features(sizes.to(size_features.dtype()), size_features));
}

Tensor RegionTwinImpl::decode_coordinate(const Tensor& hidden) {
  return coord_decoder(hidden);
}

Tensor RegionTwinImpl::decode_size(const Tensor& hidden) {
  return size_decoder(hidden).view({hidden.size(0), 2, config_.size_out_dim / 2});
}

}  // namespace moonbeam::train
