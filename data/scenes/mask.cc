#include "data/scenes/mask.h"

#include <algorithm>

namespace moonbeam::data {

namespace {

/// Calls `fn(index of the pixel on the canvas)` for each pixel that the layer owns there.
template <typename Fn>
void for_owned(const Layer& layer, int x, int y, int width, int height, Fn fn) {
  const int first = std::max(0, -x), last = std::min(layer.width, width - x);
  for (int row = std::max(0, -y); row < std::min(layer.height, height - y); ++row) {
    const Rgba* pixels = layer.row(row);
    const int start = (y + row) * width + x;
    for (int column = first; column < last; ++column) {
      if (alpha(pixels[column]) >= kOwnedAlpha) fn(static_cast<std::size_t>(start + column));
    }
  }
}

}  // namespace

Owners::Owners(int width, int height)
    : width_(width),
      height_(height),
      pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {}

void Owners::count_taken(const Layer& layer, int x, int y, std::vector<std::int64_t>& taken) const {
  taken.assign(256, 0);
  for_owned(layer, x, y, width_, height_, [&](std::size_t at) { ++taken[pixels_[at]]; });
}

void Owners::take(const Layer& layer, int x, int y, int owner) {
  for_owned(layer, x, y, width_, height_,
            [&](std::size_t at) { pixels_[at] = static_cast<std::uint8_t>(owner); });
}

PixelBox Owners::box(int owner, const PixelBox& within, std::uint64_t& area) const {
  PixelBox box{width_, height_, 0, 0};
  area = 0;
  for (int y = std::max(0, within.y_min); y < std::min(height_, within.y_max); ++y) {
    for (int x = std::max(0, within.x_min); x < std::min(width_, within.x_max); ++x) {
      if (at(x, y) != owner) continue;
      box.x_min = std::min(box.x_min, x);
      box.x_max = std::max(box.x_max, x + 1);
      box.y_min = std::min(box.y_min, y);
      box.y_max = y + 1;
      ++area;
    }
  }
  return area == 0 ? PixelBox{} : box;
}

Mask Owners::mask(int owner, const PixelBox& box) const {
  Mask mask;
  std::uint32_t run = 0;
  bool inside = false;
  const auto add = [&](bool owned, std::uint32_t count) {
    if (owned != inside) {
      mask.runs.push_back(run);
      run = 0;
      inside = owned;
    }
    run += count;
    if (owned) mask.area += count;
  };
  const auto height = static_cast<std::uint32_t>(height_);
  add(false, static_cast<std::uint32_t>(box.x_min) * height);
  for (int x = box.x_min; x < box.x_max; ++x) {
    add(false, static_cast<std::uint32_t>(box.y_min));
    for (int y = box.y_min; y < box.y_max; ++y) add(at(x, y) == owner, 1);
    add(false, static_cast<std::uint32_t>(height_ - box.y_max));
  }
  add(false, static_cast<std::uint32_t>(width_ - box.x_max) * height);
  if (run > 0) mask.runs.push_back(run);
  return mask;
}

}  // namespace moonbeam::data
