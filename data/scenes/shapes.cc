#include "data/scenes/shapes.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/scenes/maths.h"
#include "data/scenes/polygon.h"
#include "image/font.h"

namespace moonbeam::data {

namespace {

/// Corners about the middle, in a square of side 1.
std::vector<Vertex> outline(Shape shape) {
  std::vector<Vertex> out;
  switch (shape) {
    case Shape::kCircle:
      for (int i = 0; i < 64; ++i) {
        const float t = static_cast<float>(i) / 64;
        out.push_back({0.5f * cos_turn(t), 0.5f * sin_turn(t)});
      }
      return out;
    case Shape::kSquare:
      return {{-0.45f, -0.45f}, {0.45f, -0.45f}, {0.45f, 0.45f}, {-0.45f, 0.45f}};
    case Shape::kTriangle:
      return {{0, -0.45f}, {0.5f, 0.42f}, {-0.5f, 0.42f}};
    case Shape::kStar:
      for (int i = 0; i < 10; ++i) {
        const float t = static_cast<float>(i) / 10 - 0.25f, r = i % 2 == 0 ? 0.5f : 0.205f;
        out.push_back({r * cos_turn(t), r * sin_turn(t)});
      }
      return out;
    case Shape::kDiamond:
      return {{0, -0.5f}, {0.36f, 0}, {0, 0.5f}, {-0.36f, 0}};
    case Shape::kCross: {
      const float a = 0.16f, b = 0.48f;
      return {{-a, -b}, {a, -b}, {a, -a}, {b, -a}, {b, a},   {a, a},
              {a, b},   {-a, b}, {-a, a}, {-b, a}, {-b, -a}, {-a, -a}};
    }
    case Shape::kHeart:
      for (int i = 0; i < 64; ++i) {
        const float t = static_cast<float>(i) / 64, s = sin_turn(t);
        const float y = 13 * cos_turn(t) - 5 * cos_turn(2 * t) - 2 * cos_turn(3 * t) - cos_turn(4 * t);
        out.push_back({16 * s * s * s / 33, -(y + 2.5f) / 33});
      }
      return out;
    case Shape::kArrow:
      return {{-0.5f, -0.13f}, {0.06f, -0.13f}, {0.06f, -0.33f}, {0.5f, 0},
              {0.06f, 0.33f},  {0.06f, 0.13f},  {-0.5f, 0.13f}};
  }
  return out;
}

/// Corners scaled, stretched and turned, the middle at (middle, middle).
std::vector<Vertex> placed(std::vector<Vertex> corners, float side, float stretch, float turns,
                           float middle) {
  const float c = cos_turn(turns), s = sin_turn(turns);
  const float wide = side * std::min(1.0f, stretch), high = side * std::min(1.0f, 1 / stretch);
  for (Vertex& v : corners) {
    const float x = v.x * wide, y = v.y * high;
    v = {middle + c * x - s * y, middle + s * x + c * y};
  }
  return corners;
}

Layer square_layer(float side) {
  const int size = static_cast<int>(std::ceil(side * 1.4143f)) + 4;
  return {size, size};
}

}  // namespace

Layer draw_shape(Shape shape, float side, const ShapeStyle& style) {
  Layer layer = square_layer(side);
  const float middle = static_cast<float>(layer.width) * 0.5f;
  const std::vector<Vertex> corners = outline(shape);
  if (style.edge != 0) {
    fill_polygon(placed(corners, side, style.stretch, style.turns, middle), style.edge, layer);
    fill_polygon(placed(corners, side - 2 * style.edge_width, style.stretch, style.turns, middle),
                 style.colour, layer);
  } else {
    fill_polygon(placed(corners, side, style.stretch, style.turns, middle), style.colour, layer);
  }
  return layer;
}

Layer draw_sign(std::string_view text, float side, Rgba board, Rgba ink, float turns) {
  Layer layer = square_layer(side);
  const float middle = static_cast<float>(layer.width) * 0.5f;
  const auto columns = static_cast<float>(static_cast<int>(text.size()) * image::kGlyphAdvance + 3);
  const float rows = image::kGlyphHeight + 4.0f;
  const float cell = side / std::max(columns, rows);
  const float c = cos_turn(turns) * cell, s = sin_turn(turns) * cell;
  // Cells of the sign -> pixels.
  const auto at = [&](float x, float y) {
    const float u = x - columns * 0.5f, v = y - rows * 0.5f;
    return Vertex{middle + c * u - s * v, middle + s * u + c * v};
  };
  const auto fill = [&](float x0, float y0, float x1, float y1, Rgba colour) {
    const Vertex corners[] = {at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1)};
    fill_polygon(corners, colour, layer);
  };
  fill(0, 0, columns, rows, ink);
  fill(0.5f, 0.5f, columns - 0.5f, rows - 0.5f, board);
  float left = 2;
  for (const char letter : text) {
    const image::Glyph& glyph = image::glyph(static_cast<unsigned char>(letter));
    for (int y = 0; y < image::kGlyphHeight; ++y) {
      for (int x = 0; x < image::kGlyphWidth; ++x) {
        if ((glyph[static_cast<std::size_t>(y)] >> (image::kGlyphWidth - 1 - x) & 1) == 0) continue;
        int end = x + 1;  // a run of cells in one go, so that no seams show
        while (end < image::kGlyphWidth &&
               (glyph[static_cast<std::size_t>(y)] >> (image::kGlyphWidth - 1 - end) & 1))
          ++end;
        fill(left + static_cast<float>(x), 2 + static_cast<float>(y), left + static_cast<float>(end),
             3.02f + static_cast<float>(y), ink);
        x = end;
      }
    }
    left += image::kGlyphAdvance;
  }
  return layer;
}

}  // namespace moonbeam::data
