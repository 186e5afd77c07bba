// Crop -> normalised patch vectors, the rows that the encoder's first matrix multiplies.
#pragma once

#include <array>
#include <cstdint>

namespace moonbeam::image {

/// ((p / 255) - 0.5) / 0.5 for each byte p, each step rounded to f32.
const std::array<float, 256>& pixel_table();

/// Floats of one patch vector: 3 channels of patch_size x patch_size pixels.
constexpr int patch_dim(int patch_size) {
  return 3 * patch_size * patch_size;
}
/// Patches of one crop: pixels that do not fill a patch on the right and at the bottom are left out.
constexpr int patch_count(int crop_size, int patch_size) {
  return (crop_size / patch_size) * (crop_size / patch_size);
}

/// crop u8 [crop_size, crop_size, 3] -> patches [patch_count, patch_dim], row-major over the patch grid;
/// in a patch the order is channel, row, column.
void patchify(const std::uint8_t* crop, int crop_size, int patch_size, float* patches);

/// The same from a view that is normalised already, f32 [crop_size, crop_size, 3].
void patchify(const float* view, int crop_size, int patch_size, float* patches);

}  // namespace moonbeam::image
