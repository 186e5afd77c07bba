#include "data/scenes/layer.h"

#include <algorithm>

namespace moonbeam::data {

namespace {

/// The part of `top` at (x, y) that lies on a canvas: columns and rows of `top`.
struct Overlap {
  int x_min, y_min, x_max, y_max;
  Overlap(const Layer& top, int x, int y, const Layer& canvas)
      : x_min(std::max(0, -x)),
        y_min(std::max(0, -y)),
        x_max(std::min(top.width, canvas.width - x)),
        y_max(std::min(top.height, canvas.height - y)) {}
};

/// Box blur of one row or column of alphas, `n` values `step` apart, over 2 * radius + 1.
void box_blur(std::uint8_t* values, int n, int step, int radius, std::vector<std::uint8_t>& copy) {
  copy.resize(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) copy[static_cast<std::size_t>(i)] = values[i * step];
  const int taps = 2 * radius + 1;
  int sum = 0;
  for (int i = 0; i < std::min(radius, n); ++i) sum += copy[static_cast<std::size_t>(i)];
  for (int i = 0; i < n; ++i) {
    if (i + radius < n) sum += copy[static_cast<std::size_t>(i + radius)];
    if (i - radius - 1 >= 0) sum -= copy[static_cast<std::size_t>(i - radius - 1)];
    values[i * step] = static_cast<std::uint8_t>(sum / taps);
  }
}

}  // namespace

Extent owned_extent(const Layer& layer) {
  Extent extent;
  extent.x_min = layer.width;
  for (int y = 0; y < layer.height; ++y) {
    const Rgba* row = layer.row(y);
    int owned = 0;
    for (int x = 0; x < layer.width; ++x) owned += alpha(row[x]) >= kOwnedAlpha;
    if (owned == 0) continue;
    if (extent.pixels == 0) extent.y_min = y;
    extent.y_max = y + 1;
    extent.pixels += owned;
    int first = 0, last = layer.width - 1;
    while (alpha(row[first]) < kOwnedAlpha) ++first;
    while (alpha(row[last]) < kOwnedAlpha) --last;
    extent.x_min = std::min(extent.x_min, first);
    extent.x_max = std::max(extent.x_max, last + 1);
  }
  if (extent.pixels == 0) extent.x_min = 0;
  return extent;
}

void blend(const Layer& top, int x, int y, Layer& canvas) {
  const Overlap part(top, x, y, canvas);
  for (int row = part.y_min; row < part.y_max; ++row) {
    const Rgba* from = top.row(row);
    Rgba* to = canvas.row(y + row) + x;
    for (int column = part.x_min; column < part.x_max; ++column) {
      to[column] = over(from[column], to[column]);
    }
  }
}

void blend_shadow(const Layer& top, int x, int y, int radius, std::uint32_t strength, Layer& canvas) {
  const int width = top.width + 4 * radius, height = top.height + 4 * radius;
  std::vector<std::uint8_t> shade(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (int row = 0; row < top.height; ++row) {
    const Rgba* from = top.row(row);
    std::uint8_t* to = &shade[static_cast<std::size_t>(row + 2 * radius) * static_cast<std::size_t>(width) +
                              static_cast<std::size_t>(2 * radius)];
    for (int column = 0; column < top.width; ++column)
      to[column] = static_cast<std::uint8_t>(from[column] >> 24);
  }
  std::vector<std::uint8_t> copy;
  for (int pass = 0; pass < 2; ++pass) {
    for (int row = 0; row < height; ++row)
      box_blur(&shade[static_cast<std::size_t>(row * width)], width, 1, radius, copy);
    for (int column = 0; column < width; ++column) {
      box_blur(&shade[static_cast<std::size_t>(column)], height, width, radius, copy);
    }
  }
  const int left = x - 2 * radius, above = y - 2 * radius;
  for (int row = std::max(0, -above); row < std::min(height, canvas.height - above); ++row) {
    const std::uint8_t* from = &shade[static_cast<std::size_t>(row * width)];
    Rgba* to = canvas.row(above + row) + left;
    for (int column = std::max(0, -left); column < std::min(width, canvas.width - left); ++column) {
      to[column] = (scaled(to[column], 256 - (from[column] * strength >> 8)) & 0x00ffffffu) | 0xff000000u;
    }
  }
}

Layer outlined(const Layer& layer, int radius, Rgba colour) {
  Layer out(layer.width + 2 * radius, layer.height + 2 * radius);
  // Dilation by a disc: the largest alpha under it, in colour.
  std::vector<std::uint8_t> widest(out.pixels.size());
  for (int dy = -radius; dy <= radius; ++dy) {
    for (int dx = -radius; dx <= radius; ++dx) {
      if (dx * dx + dy * dy > radius * radius + 1) continue;
      for (int y = 0; y < layer.height; ++y) {
        const Rgba* from = layer.row(y);
        std::uint8_t* to = &widest[static_cast<std::size_t>((y + radius + dy) * out.width + radius + dx)];
        for (int x = 0; x < layer.width; ++x)
          to[x] = std::max(to[x], static_cast<std::uint8_t>(from[x] >> 24));
      }
    }
  }
  for (std::size_t i = 0; i < widest.size(); ++i) {
    const std::uint32_t weight = widest[i];
    out.pixels[i] = scaled(colour, weight + (weight >> 7));
  }
  blend(layer, radius, radius, out);
  return out;
}

Layer smoothed(const Layer& layer, int amount) {
  Layer out = layer;
  for (int y = 1; y + 1 < layer.height; ++y) {
    const Rgba* above = layer.row(y - 1);
    const Rgba* here = layer.row(y);
    const Rgba* below = layer.row(y + 1);
    Rgba* to = out.row(y);
    for (int x = 1; x + 1 < layer.width; ++x) {
      const auto mixed = [&](int shift) {
        const auto at = [shift](Rgba p) { return static_cast<int>(p >> shift & 255); };
        const int mean =
            (4 * at(here[x]) + 2 * (at(above[x]) + at(below[x]) + at(here[x - 1]) + at(here[x + 1])) +
             at(above[x - 1]) + at(above[x + 1]) + at(below[x - 1]) + at(below[x + 1])) >>
            4;
        return std::clamp(at(here[x]) + (mean - at(here[x])) * amount / 128, 0, 255);
      };
      // Sharpening must not lift a colour above its alpha.
      const int a = amount < 0 ? alpha(here[x]) : mixed(24);
      to[x] = make_rgba(std::min(mixed(0), a), std::min(mixed(8), a), std::min(mixed(16), a), a);
    }
  }
  return out;
}

Image to_image(const Layer& canvas) {
  Image image;
  image.width = canvas.width;
  image.height = canvas.height;
  image.pixels.resize(canvas.pixels.size() * 3);
  std::uint8_t* to = image.pixels.data();
  for (const Rgba p : canvas.pixels) {
    to[0] = static_cast<std::uint8_t>(p);
    to[1] = static_cast<std::uint8_t>(p >> 8);
    to[2] = static_cast<std::uint8_t>(p >> 16);
    to += 3;
  }
  return image;
}

}  // namespace moonbeam::data
