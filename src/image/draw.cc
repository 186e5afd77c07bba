// Boxes, points and labels on a picture. Everything is clipped; a label moves or gets shorter until it lies
// inside the picture.
#include <moonbeam/draw.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "image/font.h"

namespace moonbeam {
namespace {

using Colour = std::array<std::uint8_t, 3>;

// Far apart in hue and lightness, in an order that keeps neighbours distinct.
constexpr Colour kPalette[] = {
    {230, 25, 75},  {60, 180, 75},  {0, 130, 200}, {255, 225, 25}, {145, 30, 180}, {70, 240, 240},
    {245, 130, 48}, {240, 50, 230}, {128, 128, 0}, {0, 0, 128},    {170, 110, 40}, {210, 245, 60},
};
constexpr Colour kBlack = {0, 0, 0}, kWhite = {255, 255, 255};

const Colour& colour_of(std::size_t index) {
  return kPalette[index % std::size(kPalette)];
}

/// Black or white, whichever reads better on `background`.
const Colour& ink_on(const Colour& background) {
  return background[0] * 299 + background[1] * 587 + background[2] * 114 > 140'000 ? kBlack : kWhite;
}

/// Pixels [left, right) x [top, bottom).
struct Area {
  int left = 0, top = 0, right = 0, bottom = 0;
  bool empty() const { return left >= right || top >= bottom; }
};

void fill(Image& image, Area area, const Colour& colour) {
  area = {std::max(0, area.left), std::max(0, area.top), std::min(image.width, area.right),
          std::min(image.height, area.bottom)};
  for (int y = area.top; y < area.bottom; ++y) {
    for (int x = area.left; x < area.right; ++x) {
      std::copy(colour.begin(), colour.end(),
                &image.pixels[(static_cast<std::size_t>(y) * image.width + x) * 3]);
    }
  }
}

/// Pixels for `value` of `size`, kept in a range that later sums cannot leave. NaN becomes 0.
double to_pixels(double value, int size) {
  return std::isnan(value) ? 0 : std::clamp(value * size, -1e6, 1e6);
}

/// The box's part inside the picture; its outline closes at the picture's border.
Area pixels_of(const Box& box, const Image& image) {
  const auto low = [](double v) { return static_cast<int>(std::floor(v)); };
  const auto high = [](double v) { return static_cast<int>(std::ceil(v)); };
  Area area{low(to_pixels(box.x_min, image.width)), low(to_pixels(box.y_min, image.height)),
            high(to_pixels(box.x_max, image.width)), high(to_pixels(box.y_max, image.height))};
  return {std::max(0, area.left), std::max(0, area.top), std::min(image.width, area.right),
          std::min(image.height, area.bottom)};
}

/// A label as it will be drawn: shortened to whole glyphs that fit the picture, on a plate of one colour.
struct Label {
  std::vector<char32_t> text;
  int scale = 1;  // picture pixels to a glyph's pixel
  int width = 0, height = 0;
};

Label make_label(const Image& image, std::string_view text) {
  Label out;
  out.scale = std::clamp((std::min(image.height, image.width) + 160) / 320, 1, 6);
  for (std::size_t at = 0; at < text.size();) out.text.push_back(base::next_code_point(text, at));
  const int room = std::max(0, (image.width / out.scale - 1) / image::kGlyphAdvance);
  if (room < static_cast<int>(out.text.size())) out.text.resize(static_cast<std::size_t>(room));
  out.width = (static_cast<int>(out.text.size()) * image::kGlyphAdvance + 1) * out.scale;
  out.height = (image::kGlyphHeight + 2) * out.scale;
  if (out.height > image.height) out.text.clear();
  return out;
}

/// Puts the plate's top left corner as near to (left, top) as the picture allows.
void draw_label(Image& image, const Label& label, int left, int top, const Colour& background) {
  if (label.text.empty()) return;
  const int scale = label.scale;
  left = std::clamp(left, 0, image.width - label.width);
  top = std::clamp(top, 0, image.height - label.height);
  fill(image, {left, top, left + label.width, top + label.height}, background);
  const Colour& ink = ink_on(background);
  for (const char32_t c : label.text) {
    left += scale;
    const image::Glyph& rows = image::glyph(c);
    for (int y = 0; y < image::kGlyphHeight; ++y) {
      for (int x = 0; x < image::kGlyphWidth; ++x) {
        if ((rows[static_cast<std::size_t>(y)] >> (image::kGlyphWidth - 1 - x) & 1) == 0) continue;
        const int px = left + x * scale, py = top + (y + 1) * scale;
        fill(image, {px, py, px + scale, py + scale}, ink);
      }
    }
    left += image::kGlyphWidth * scale;
  }
}

void draw_disc(Image& image, int centre_x, int centre_y, int radius, const Colour& colour) {
  for (int y = -radius; y <= radius; ++y) {
    const int half = static_cast<int>(std::sqrt(static_cast<double>(radius * radius - y * y)));
    fill(image, {centre_x - half, centre_y + y, centre_x + half + 1, centre_y + y + 1}, colour);
  }
}

void check(const Image& image) {
  if (image.height < 1 || image.width < 1 ||
      image.pixels.size() != static_cast<std::size_t>(image.height) * image.width * 3) {
    base::fail(ErrorCode::kInvalidArgument, "draw: the picture is ", image.width, "x", image.height, " with ",
               image.pixels.size(), " bytes");
  }
}

}  // namespace

void draw_boxes(Image& image, std::span<const Box> boxes, std::string_view label) {
  check(image);
  const Label plate = make_label(image, label);
  constexpr int kLine = 2;  // pixels
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Area box = pixels_of(boxes[i], image);
    if (box.empty()) continue;
    const Colour& colour = colour_of(i);
    fill(image, {box.left, box.top, box.right, std::min(box.top + kLine, box.bottom)}, colour);
    fill(image, {box.left, std::max(box.bottom - kLine, box.top), box.right, box.bottom}, colour);
    fill(image, {box.left, box.top, std::min(box.left + kLine, box.right), box.bottom}, colour);
    fill(image, {std::max(box.right - kLine, box.left), box.top, box.right, box.bottom}, colour);
    // Above the box, or inside it where there is no room above.
    draw_label(image, plate, box.left, box.top >= plate.height ? box.top - plate.height : box.top, colour);
  }
}

void draw_points(Image& image, std::span<const Point> points, std::string_view label) {
  check(image);
  const Label plate = make_label(image, label);
  const int radius = 4 + plate.scale, outer = radius + 2;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const int x = static_cast<int>(std::floor(to_pixels(points[i].x, image.width)));
    const int y = static_cast<int>(std::floor(to_pixels(points[i].y, image.height)));
    if (x < -outer || y < -outer || x >= image.width + outer || y >= image.height + outer) continue;
    // To the right of the dot, or to its left where there is no room.
    const int right = x + outer + 2;
    const bool fits = right + plate.width <= image.width;
    draw_label(image, plate, fits ? right : x - outer - 1 - plate.width, y - plate.height / 2, colour_of(i));
    draw_disc(image, x, y, outer, kBlack);
    draw_disc(image, x, y, radius + 1, kWhite);
    draw_disc(image, x, y, radius, colour_of(i));
  }
}

}  // namespace moonbeam
