// A drawing as it is kept for drawing fast, and its way onto the canvas: scaled, turned, mirrored.
#pragma once

#include <vector>

#include "data/scenes/layer.h"

namespace moonbeam::data {

/// The drawing at 1, 1/2, 1/4, ... of its size, each with an empty border.
class Sprite {
 public:
  /// `picture` is premultiplied, without border.
  explicit Sprite(const Layer& picture);

  int width() const { return width_; }  ///< of the picture itself
  int height() const { return height_; }

  struct Level {
    Layer picture;    ///< with kBorder empty pixels on each side
    float scale = 1;  ///< its pixels for each of the full size, horizontally and vertically
  };
  static constexpr int kBorder = 2;
  const std::vector<Level>& levels() const { return levels_; }

 private:
  int width_, height_;
  std::vector<Level> levels_;
};

struct Warp {
  float scale = 1;    ///< pixels out for each of the sprite's full size
  float stretch = 1;  ///< further, horizontally alone
  float turns = 0;    ///< clockwise
  bool mirror = false;
};

/// The sprite as `warp` says, in a layer that holds all of it.
Layer warped(const Sprite& sprite, const Warp& warp);

}  // namespace moonbeam::data
