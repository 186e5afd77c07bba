// Filling polygons with smooth edges.
#pragma once

#include <span>

#include "data/scenes/layer.h"

namespace moonbeam::data {

/// Pixels, x right, y down; the centre of the first pixel is (0.5, 0.5).
struct Vertex {
  float x = 0, y = 0;
};

/// Lays the polygon in `colour` onto the layer; where edges cross, odd counts are inside.
void fill_polygon(std::span<const Vertex> polygon, Rgba colour, Layer& layer);

/// A straight line with square ends.
void fill_line(Vertex from, Vertex to, float width, Rgba colour, Layer& layer);

}  // namespace moonbeam::data
