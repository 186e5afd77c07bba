#include "image/patches.h"

#include <cstddef>

namespace moonbeam::image {
namespace {

std::array<float, 256> make_pixel_table() {
  std::array<float, 256> table{};
  for (int p = 0; p < 256; ++p) {
    const float scaled = static_cast<float>(p) / 255.0f;
    const float centred = scaled - 0.5f;
    table[static_cast<std::size_t>(p)] = centred / 0.5f;
  }
  return table;
}

template <typename T, typename Value>
void cut_patches(const T* crop, int crop_size, int patch_size, float* patches, Value value) {
  const int grid = crop_size / patch_size;
  const std::ptrdiff_t plane = std::ptrdiff_t{patch_size} * patch_size;
  for (int row = 0; row < grid; ++row) {
    for (int col = 0; col < grid; ++col, patches += 3 * plane) {
      for (int y = 0; y < patch_size; ++y) {
        const T* in = crop + (std::ptrdiff_t{row * patch_size + y} * crop_size + col * patch_size) * 3;
        float* out = patches + y * patch_size;
        for (int x = 0; x < patch_size; ++x, in += 3, ++out) {
          out[0] = value(in[0]);
          out[plane] = value(in[1]);
          out[2 * plane] = value(in[2]);
        }
      }
    }
  }
}

}  // namespace

const std::array<float, 256>& pixel_table() {
  static const std::array<float, 256> table = make_pixel_table();
  return table;
}

void patchify(const std::uint8_t* crop, int crop_size, int patch_size, float* patches) {
  const float* table = pixel_table().data();
  cut_patches(crop, crop_size, patch_size, patches, [table](std::uint8_t p) { return table[p]; });
}

void patchify(const float* view, int crop_size, int patch_size, float* patches) {
  cut_patches(view, crop_size, patch_size, patches, [](float v) { return v; });
}

}  // namespace moonbeam::image
