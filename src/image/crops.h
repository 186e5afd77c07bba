// Picture -> square crops for the encoder, in the three ways of the published releases.
#pragma once

#include <moonbeam/image.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/tiling.h"

namespace moonbeam::image {

/// Letters here: N crops, C crop side in pixels. Crop 0 is the whole picture, 1 + row * cols + col a tile.
struct Crops {
  int count = 0;                     ///< N
  int crop_size = 0;                 ///< C
  Tiling tiling;                     ///< of crops 1 .. N - 1
  std::vector<std::uint8_t> pixels;  ///< [N, C, C, 3]

  /// Crops the encoder has to see: 1 where the only local crop equals the global one, else N.
  int distinct() const { return tiling.single() ? 1 : count; }
  const std::uint8_t* crop(int index) const {
    return pixels.data() + static_cast<std::size_t>(index) * crop_size * crop_size * 3;
  }
};

/// 2025: crop 0 and the overlapping local crops, Lanczos, both from the picture itself. With tiling 1x1
/// there are two equal crops (see distinct()).
/// Follows vikhyat/moondream moondream/torch/image_crops.py `overlap_crop_image`.
/// @throws Error kInvalidArgument (empty picture, parameters that leave no window), kExhausted.
Crops overlap_crops(const Image& image, const CropParams& params);

/// Until 2024-05-08, and GGUF: one crop, bicubic, aspect ratio not kept.
Crops single_crop(const Image& image, int crop_size);

/// Views of the releases 2024-05-20 .. 08-26, normalised: the global view is interpolated in floats, so
/// bytes cannot hold it.
struct Views {
  int count = 0;              ///< N: the global view, then the tiles if there is more than one
  int crop_size = 0;          ///< C
  Tiling tiling;              ///< 1x1: no tiles, the global features are used twice
  std::vector<float> pixels;  ///< [N, C, C, 3] in [-1, 1]

  const float* view(int index) const {
    return pixels.data() + static_cast<std::size_t>(index) * crop_size * crop_size * 3;
  }
};

/// The picture as the 2024 tiles are cut from it: bicubic to the size that select_views_2024 gives.
Image resize_for_views_2024(const Image& image, int crop_size);

/// Follows the makers' vision_encoder.py of 2024-05-20 .. 08-26.
Views views_2024(const Image& image, int crop_size);

}  // namespace moonbeam::image
