// The shapes of our own, labels 0 .. kShapes - 1, and the sign with text.
#pragma once

#include <string_view>

#include "data/scenes/layer.h"

namespace moonbeam::data {

/// As the label table numbers them.
enum class Shape { kCircle, kSquare, kTriangle, kStar, kDiamond, kCross, kHeart, kArrow };
inline constexpr int kShapes = 8;

struct ShapeStyle {
  Rgba colour = 0;       ///< opaque
  Rgba edge = 0;         ///< border inside the shape; 0: none
  float edge_width = 0;  ///< pixels
  float turns = 0;       ///< rotation, clockwise
  float stretch = 1;     ///< width over height before the rotation
};

/// The shape with its long side about `side` pixels, in a layer that holds it.
Layer draw_shape(Shape shape, float side, const ShapeStyle& style);

/// A board of about `side` pixels width that reads `text`: ASCII letters and digits.
Layer draw_sign(std::string_view text, float side, Rgba board, Rgba ink, float turns);

}  // namespace moonbeam::data
