// Pictures with alpha: what sprites, shapes and the canvas are made of, and laying one onto another.
#pragma once

#include <moonbeam/image.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moonbeam::data {

/// Premultiplied: red + (green << 8) + (blue << 16) + (alpha << 24), each colour <= alpha.
using Rgba = std::uint32_t;

constexpr Rgba make_rgba(int red, int green, int blue, int alpha = 255) {
  return static_cast<Rgba>(red) | static_cast<Rgba>(green) << 8 | static_cast<Rgba>(blue) << 16 |
         static_cast<Rgba>(alpha) << 24;
}
constexpr int red(Rgba p) {
  return static_cast<int>(p & 255);
}
constexpr int green(Rgba p) {
  return static_cast<int>(p >> 8 & 255);
}
constexpr int blue(Rgba p) {
  return static_cast<int>(p >> 16 & 255);
}
constexpr int alpha(Rgba p) {
  return static_cast<int>(p >> 24);
}

/// p with every channel times weight / 256, weight in [0, 256], rounded down.
constexpr Rgba scaled(Rgba p, std::uint32_t weight) {
  return ((p & 0x00ff00ffu) * weight >> 8 & 0x00ff00ffu) | ((p >> 8 & 0x00ff00ffu) * weight & 0xff00ff00u);
}
/// a + (b - a) * weight / 256 in each channel, rounded down.
constexpr Rgba mixed(Rgba a, Rgba b, std::uint32_t weight) {
  const std::uint32_t even =
      ((a & 0x00ff00ffu) * (256 - weight) + (b & 0x00ff00ffu) * weight) >> 8 & 0x00ff00ffu;
  const std::uint32_t odd =
      ((a >> 8 & 0x00ff00ffu) * (256 - weight) + (b >> 8 & 0x00ff00ffu) * weight) & 0xff00ff00u;
  return even | odd;
}
/// `top` over `below`.
constexpr Rgba over(Rgba top, Rgba below) {
  const auto a = static_cast<std::uint32_t>(alpha(top));
  return top + scaled(below, 256 - (a + (a >> 7)));
}

struct Layer {
  int width = 0, height = 0;
  std::vector<Rgba> pixels;  ///< [height, width]

  Layer() = default;
  Layer(int w, int h, Rgba fill = 0)
      : width(w), height(h), pixels(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), fill) {}
  Rgba* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width); }
  const Rgba* row(int y) const {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
  }
};

/// An object owns the pixels that it covers at least this much; boxes, masks and shares count these.
inline constexpr int kOwnedAlpha = 96;

/// The smallest box around the owned pixels; empty if there are none.
struct Extent {
  int x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  std::int64_t pixels = 0;  ///< owned
  bool empty() const { return pixels == 0; }
  int width() const { return x_max - x_min; }
  int height() const { return y_max - y_min; }
};
Extent owned_extent(const Layer& layer);

/// Lays `top` onto `canvas` with its corner at (x, y); what is outside the canvas is left out.
void blend(const Layer& top, int x, int y, Layer& canvas);

/// A soft shadow of `top`'s shape at (x, y): `strength` of 256 in the middle.
void blend_shadow(const Layer& top, int x, int y, int radius, std::uint32_t strength, Layer& canvas);

/// Border of `radius` pixels around what is there, below it. The layer grows by `radius` on each side.
Layer outlined(const Layer& layer, int radius, Rgba colour);

/// 3 x 3 smoothing, or its opposite: amount in [-128, 128] of 256, positive blurs.
Layer smoothed(const Layer& layer, int amount);

/// The colours of an opaque canvas.
Image to_image(const Layer& canvas);

}  // namespace moonbeam::data
