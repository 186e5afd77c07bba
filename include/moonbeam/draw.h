// Boxes and points drawn over a picture.
#pragma once

#include <span>
#include <string_view>

#include <moonbeam/image.h>
#include <moonbeam/types.h>

namespace moonbeam {

/// Draws 2-pixel boxes with `label` into `image`, clipped to it. Colours come from a palette of 12, by index.
void draw_boxes(Image& image, std::span<const Box> boxes, std::string_view label);

/// Draws a ringed dot with `label` at each point.
void draw_points(Image& image, std::span<const Point> points, std::string_view label);

}  // namespace moonbeam
