#include "image/tiling.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "base/error.h"

namespace moonbeam::image {

// The reference divides and takes roots in Python floats; doubles in the same order give the same floors.
Tiling select_tiling(std::int64_t height, std::int64_t width, int window, int max_crops) {
  if (height <= window || width <= window) return {1, 1};
  const double h = static_cast<double>(height), w = static_cast<double>(width);
  const double limit = max_crops;
  const double min_rows = std::ceil(h / window), min_cols = std::ceil(w / window);
  double rows = 0, cols = 0;
  if (min_rows * min_cols > limit) {
    const double ratio = std::sqrt(limit / (min_rows * min_cols));
    rows = std::floor(min_rows * ratio);
    cols = std::floor(min_cols * ratio);
  } else {
    rows = std::max(std::floor(std::sqrt(limit * h / w)), min_rows);
    cols = std::max(std::floor(std::sqrt(limit * w / h)), min_cols);
    if (rows * cols > limit) {
      if (cols > rows) {
        cols = std::floor(limit / rows);
      } else {
        rows = std::floor(limit / cols);
      }
    }
  }
  return {std::max(1, static_cast<int>(rows)), std::max(1, static_cast<int>(cols))};
}

Tiling select_tiling(int height, int width, const CropParams& params) {
  if (params.crop_size < 1 || params.patch_size < 1 || params.overlap_margin < 0 || params.max_crops < 1 ||
      params.window() < 1) {
    base::fail(ErrorCode::kInvalidArgument, "tiling: crop_size ", params.crop_size, ", patch_size ",
               params.patch_size, ", overlap_margin ", params.overlap_margin, ", max_crops ",
               params.max_crops, ": expected a window of at least 1 pixel and 1 crop");
  }
  const std::int64_t margins = 2 * std::int64_t{params.margin()};
  return select_tiling(height - margins, width - margins, params.window(), params.max_crops);
}

Tiling select_views_2024(int height, int width, int crop_size) {
  constexpr int kSmallSide = 512;  // pixels; smaller pictures have a global view only
  if (std::max(height, width) < kSmallSide) return {1, 1};
  constexpr Tiling kGrids[] = {{1, 1}, {1, 2}, {2, 1}, {2, 2}};
  const double aspect = static_cast<double>(width) / height;
  // The makers compare heights with widths in the second key; the trained releases were run that way.
  const auto key = [&](const Tiling& grid) {
    const std::int64_t h = std::int64_t{grid.rows} * crop_size, w = std::int64_t{grid.cols} * crop_size;
    return std::pair(std::abs(static_cast<double>(w) / static_cast<double>(h) - aspect),
                     std::abs(h - width) + std::abs(w - height));
  };
  return *std::min_element(std::begin(kGrids), std::end(kGrids),
                           [&](const Tiling& a, const Tiling& b) { return key(a) < key(b); });
}

}  // namespace moonbeam::image
