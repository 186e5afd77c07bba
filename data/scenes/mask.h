// Which object owns which pixel: boxes, visible areas and masks are read from it.
#pragma once

#include <cstdint>
#include <vector>

#include "data/scenes/layer.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

/// Owner of each pixel of the canvas: 0 nobody, else 1 + the object's depth.
class Owners {
 public:
  Owners(int width, int height);

  /// Pixels of each owner that `layer` at (x, y) would take; [0] is of nobody.
  void count_taken(const Layer& layer, int x, int y, std::vector<std::int64_t>& taken) const;
  void take(const Layer& layer, int x, int y, int owner);

  std::uint8_t at(int x, int y) const { return pixels_[static_cast<std::size_t>(y * width_ + x)]; }
  /// Tight around the owner's pixels inside `within`; area 0 and an empty box if there are none.
  PixelBox box(int owner, const PixelBox& within, std::uint64_t& area) const;
  Mask mask(int owner, const PixelBox& box) const;

 private:
  int width_, height_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace moonbeam::data
