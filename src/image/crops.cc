#include "image/crops.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "image/patches.h"
#include "image/resize.h"

namespace moonbeam::image {
namespace {

std::size_t crop_values(int crop_size) {
  return static_cast<std::size_t>(crop_size) * crop_size * 3;
}

/// The square of `size` pixels at (y, x) of `image` -> out [size, size, 3].
void cut(const Image& image, int y, int x, int size, std::uint8_t* out) {
  const std::size_t row_bytes = static_cast<std::size_t>(size) * 3;
  for (int row = 0; row < size; ++row, out += row_bytes) {
    std::memcpy(out, &image.pixels[(static_cast<std::size_t>(y + row) * image.width + x) * 3], row_bytes);
  }
}

void normalise(const std::uint8_t* in, std::size_t count, float* out) {
  const auto& table = pixel_table();
  for (std::size_t i = 0; i < count; ++i) out[i] = table[in[i]];
}

/// Bilinear interpolation of the normalised picture to one crop, pixel centres at half, no antialiasing.
/// A side is one or two crops long, so every weight is 1 or exactly 1/2: the mean of the pixels below.
void global_view(const Image& image, int crop_size, float* out) {
  const auto& table = pixel_table();
  const int down = image.height / crop_size, right = image.width / crop_size;  // 1 or 2
  const auto value = [&](int y, int x, int c) {
    return table[image.pixels[(static_cast<std::size_t>(y) * image.width + x) * 3 + c]];
  };
  const auto mixed_row = [&](int y, int x, int c) {
    const float left = value(y, x, c);
    return right == 1 ? left : left * 0.5f + value(y, x + 1, c) * 0.5f;
  };
  for (int y = 0; y < crop_size; ++y) {
    for (int x = 0; x < crop_size; ++x) {
      for (int c = 0; c < 3; ++c, ++out) {
        const float upper = mixed_row(y * down, x * right, c);
        *out = down == 1 ? upper : upper * 0.5f + mixed_row(y * down + 1, x * right, c) * 0.5f;
      }
    }
  }
}

}  // namespace

Crops overlap_crops(const Image& image, const CropParams& params) {
  const Tiling tiling = select_tiling(image.height, image.width, params);
  const int size = params.crop_size;
  Image global = resize_lanczos(image, size, size);
  Crops out{
      .count = 1 + tiling.crops(), .crop_size = size, .tiling = tiling, .pixels = std::move(global.pixels)};
  out.pixels.resize(crop_values(size) * static_cast<std::size_t>(out.count));
  std::uint8_t* next = out.pixels.data() + crop_values(size);
  if (tiling.single()) {
    std::memcpy(next, out.pixels.data(), crop_values(size));
    return out;
  }
  const int window = params.window();
  const Image local = resize_lanczos(image, tiling.rows * window + 2 * params.margin(),
                                     tiling.cols * window + 2 * params.margin());
  for (int row = 0; row < tiling.rows; ++row) {
    for (int col = 0; col < tiling.cols; ++col, next += crop_values(size)) {
      cut(local, row * window, col * window, size, next);
    }
  }
  return out;
}

Crops single_crop(const Image& image, int crop_size) {
  return {.count = 1,
          .crop_size = crop_size,
          .tiling = {},
          .pixels = resize_bicubic(image, crop_size, crop_size).pixels};
}

Image resize_for_views_2024(const Image& image, int crop_size) {
  const Tiling tiling = select_views_2024(image.height, image.width, crop_size);
  return resize_bicubic(image, tiling.rows * crop_size, tiling.cols * crop_size);
}

Views views_2024(const Image& image, int crop_size) {
  const Image resized = resize_for_views_2024(image, crop_size);
  Views out;
  out.crop_size = crop_size;
  out.tiling = {resized.height / crop_size, resized.width / crop_size};
  out.count = out.tiling.single() ? 1 : 1 + out.tiling.crops();
  out.pixels.resize(crop_values(crop_size) * static_cast<std::size_t>(out.count));
  global_view(resized, crop_size, out.pixels.data());
  if (out.tiling.single()) return out;

  std::vector<std::uint8_t> tile(crop_values(crop_size));
  float* next = out.pixels.data() + crop_values(crop_size);
  for (int row = 0; row < out.tiling.rows; ++row) {
    for (int col = 0; col < out.tiling.cols; ++col, next += tile.size()) {
      cut(resized, row * crop_size, col * crop_size, crop_size, tile.data());
      normalise(tile.data(), tile.size(), next);
    }
  }
  return out;
}

}  // namespace moonbeam::image
