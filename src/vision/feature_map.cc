#include "vision/feature_map.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace moonbeam::vision {

FeatureMap reconstruct_from_crops(const float* crops, int rows, int cols, int side, int dim, int margin) {
  const int inner = side - 2 * margin;
  FeatureMap out(inner * rows + 2 * margin, inner * cols + 2 * margin, dim);
  for (int tile_y = 0; tile_y < rows; ++tile_y) {
    const int y0 = tile_y == 0 ? 0 : margin;
    const int y1 = tile_y == rows - 1 ? side : side - margin;
    for (int tile_x = 0; tile_x < cols; ++tile_x) {
      const int x0 = tile_x == 0 ? 0 : margin;
      const int x1 = tile_x == cols - 1 ? side : side - margin;
      const float* crop = crops + static_cast<std::ptrdiff_t>(tile_y * cols + tile_x) * side * side * dim;
      for (int y = y0; y < y1; ++y) {
        std::memcpy(out.at(inner * tile_y + y, inner * tile_x + x0),
                    crop + (static_cast<std::ptrdiff_t>(y) * side + x0) * dim,
                    sizeof(float) * static_cast<std::size_t>(x1 - x0) * static_cast<std::size_t>(dim));
      }
    }
  }
  return out;
}

FeatureMap adaptive_avg_pool2d(const float* input, int height, int width, int dim, int out_height,
                               int out_width) {
  FeatureMap out(out_height, out_width, dim);
  for (int i = 0; i < out_height; ++i) {
    const int y0 = i * height / out_height;
    const int y1 = ((i + 1) * height + out_height - 1) / out_height;
    for (int j = 0; j < out_width; ++j) {
      const int x0 = j * width / out_width;
      const int x1 = ((j + 1) * width + out_width - 1) / out_width;
      float* cell = out.at(i, j);
      std::fill_n(cell, dim, 0.0f);
      for (int y = y0; y < y1; ++y) {
        for (int x = x0; x < x1; ++x) {
          const float* in = input + (static_cast<std::ptrdiff_t>(y) * width + x) * dim;
          for (int c = 0; c < dim; ++c) cell[c] += in[c];
        }
      }
      const auto count = static_cast<float>((y1 - y0) * (x1 - x0));
      for (int c = 0; c < dim; ++c) cell[c] /= count;
    }
  }
  return out;
}

namespace {

/// Where output `i` reads along one axis: two neighbours and the weight of the second.
struct Tap {
  int first, second;
  float weight;
};

Tap bilinear_tap(int i, int in, int out) {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float centre = std::max(0.0f, scale * (static_cast<float>(i) + 0.5f) - 0.5f);
  const int first = std::min(static_cast<int>(centre), in - 1);
  return {first, std::min(first + 1, in - 1), centre - static_cast<float>(first)};
}

}  // namespace

FeatureMap interpolate_bilinear(const float* input, int height, int width, int dim, int out_height,
                                int out_width) {
  FeatureMap out(out_height, out_width, dim);
  for (int i = 0; i < out_height; ++i) {
    const Tap y = bilinear_tap(i, height, out_height);
    for (int j = 0; j < out_width; ++j) {
      const Tap x = bilinear_tap(j, width, out_width);
      const auto cell = [&](int row, int col) {
        return input + (static_cast<std::ptrdiff_t>(row) * width + col) * dim;
      };
      const float* a = cell(y.first, x.first);
      const float* b = cell(y.first, x.second);
      const float* c = cell(y.second, x.first);
      const float* d = cell(y.second, x.second);
      float* to = out.at(i, j);
      for (int k = 0; k < dim; ++k) {
        const float top = (1 - x.weight) * a[k] + x.weight * b[k];
        const float bottom = (1 - x.weight) * c[k] + x.weight * d[k];
        to[k] = (1 - y.weight) * top + y.weight * bottom;
      }
    }
  }
  return out;
}

}  // namespace moonbeam::vision
