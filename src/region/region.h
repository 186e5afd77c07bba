// Region heads: hidden <-> coordinates and sizes.
//
// Follows vikhyat/moondream moondream/torch/region.py.
#pragma once

#include "ops/context.h"
#include "region/config.h"
#include "region/weights.h"

namespace moonbeam::region {

/// concat(cos(2 pi x w), sin(2 pi x w)) for x [n] and w [n, m] -> out [2 m]. Summed over n in f32.
void fourier_features(const float* x, int n, const float* w, int m, float* out);

/// Embedding of a coordinate in [0,1] -> out [dim].
void encode_coordinate(ops::Context& context, const RegionConfig& config, const RegionWeights& weights,
                       float value, float* out);
/// Embedding of a width and a height -> out [dim].
void encode_size(ops::Context& context, const RegionConfig& config, const RegionWeights& weights, float width,
                 float height, float* out);

/// hidden [rows, dim] -> logits [rows, coord_out_dim].
void decode_coordinate(ops::Context& context, const RegionWeights& weights, const float* hidden, int rows,
                       float* logits);
/// hidden [rows, dim] -> logits [rows, size_out_dim]: width bins, then height bins.
void decode_size(ops::Context& context, const RegionWeights& weights, const float* hidden, int rows,
                 float* logits);

/// bin / coord_divisor.
float bin_to_coordinate(const RegionConfig& config, int bin) noexcept;
/// 2^(10 bin / (bins - 1) - 10): 1/1024 .. 1.
float bin_to_size(const RegionConfig& config, int bin) noexcept;
/// The reverse of the above, as in training: rounded and clamped.
int coordinate_to_bin(const RegionConfig& config, float value) noexcept;
int size_to_bin(const RegionConfig& config, float value) noexcept;

}  // namespace moonbeam::region
