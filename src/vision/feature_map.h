// Feature maps [height, width, dim]: stitching crops together, pooling and resizing.
#pragma once

#include "base/buffer.h"

namespace moonbeam::vision {

/// Row-major [height, width, dim].
struct FeatureMap {
  int height = 0, width = 0, dim = 0;
  base::Buffer<float> data;

  FeatureMap() = default;
  FeatureMap(int map_height, int map_width, int map_dim)
      : height(map_height),
        width(map_width),
        dim(map_dim),
        data(static_cast<std::size_t>(map_height) * map_width * map_dim) {}
  float* at(int y, int x) noexcept {
    return data.data() + (static_cast<std::ptrdiff_t>(y) * width + x) * dim;
  }
  const float* at(int y, int x) const noexcept {
    return data.data() + (static_cast<std::ptrdiff_t>(y) * width + x) * dim;
  }
};

/// Crop features [rows * cols, side, side, dim] put side by side without the overlap: inner borders lose
/// `margin` patches, outer ones keep them. Result [(side - 2 margin) rows + 2 margin, likewise, dim].
/// Follows vikhyat/moondream moondream/torch/image_crops.py `reconstruct_from_crops`.
FeatureMap reconstruct_from_crops(const float* crops, int rows, int cols, int side, int dim, int margin);

/// Output cell (i, j) is the mean of rows floor(i H / h) .. ceil((i + 1) H / h) - 1, columns alike, as
/// torch's adaptive_avg_pool2d. `input` [height, width, dim].
FeatureMap adaptive_avg_pool2d(const float* input, int height, int width, int dim, int out_height,
                               int out_width);

/// Bilinear, pixel centres at half (align_corners false), no antialiasing, as torch's interpolate.
FeatureMap interpolate_bilinear(const float* input, int height, int width, int dim, int out_height,
                                int out_width);

}  // namespace moonbeam::vision
