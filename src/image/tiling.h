// How a picture is cut: which grid of crops it gets. Sizes only, no pixels.
#pragma once

#include <cstdint>

namespace moonbeam::image {

/// Grid of the local crops.
struct Tiling {
  int rows = 1;
  int cols = 1;
  constexpr int crops() const { return rows * cols; }
  constexpr bool single() const { return rows == 1 && cols == 1; }
  friend bool operator==(const Tiling&, const Tiling&) = default;
};

/// The part of the vision config that says how pictures are cut. Defaults are the published variants'.
struct CropParams {
  int crop_size = 378;     // pixels, square
  int patch_size = 14;     // pixels
  int overlap_margin = 4;  // patches
  int max_crops = 12;      // local crops that the tiling aims at

  constexpr int margin() const { return overlap_margin * patch_size; }  // pixels, per side
  constexpr int window() const { return crop_size - 2 * margin(); }     // pixels a crop adds
};

/// Grid for an area of `height` x `width` pixels, the picture less its margins: it may be negative.
/// Like the published rule it can give more than `max_crops` where one side is far longer than the other.
/// Follows vikhyat/moondream moondream/torch/image_crops.py `select_tiling`.
Tiling select_tiling(std::int64_t height, std::int64_t width, int window, int max_crops);

/// The same for a whole picture of `height` x `width`.
Tiling select_tiling(int height, int width, const CropParams& params);

/// Grid of the 2024-05-20 .. 08-26 releases: 1x1, 1x2, 2x1 or 2x2 tiles of `crop_size`.
Tiling select_views_2024(int height, int width, int crop_size);

}  // namespace moonbeam::image
