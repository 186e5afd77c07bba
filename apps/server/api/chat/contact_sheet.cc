#include "server/api/chat/contact_sheet.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace moonbeam::server {

namespace {

constexpr int kMaxCell = 640;  // pixels, square: beyond it the model's own resizing takes the detail away
constexpr int kGap = 8;

struct Span {
  int begin, end;
};

// Pixels of the source that pixel `i` of `to` stands for.
Span source_span(int i, int from, int to) {
  const int begin = static_cast<int>(std::int64_t{i} * from / to);
  return {begin, std::max(begin + 1, static_cast<int>((std::int64_t{i} + 1) * from / to))};
}

std::uint8_t mean(const Image& image, Span rows, Span columns, int channel) {
  std::uint64_t sum = 0;
  for (int y = rows.begin; y < rows.end; ++y)
    for (int x = columns.begin; x < columns.end; ++x)
      sum += image.pixels[(static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                           static_cast<std::size_t>(x)) *
                              3 +
                          static_cast<std::size_t>(channel)];
  const auto count = static_cast<std::uint64_t>(rows.end - rows.begin) *
                     static_cast<std::uint64_t>(columns.end - columns.begin);
  return static_cast<std::uint8_t>((sum + count / 2) / count);
}

/// `image` into the square of `cell` pixels at (left, top), in its middle.
void place(const Image& image, int left, int top, int cell, Image& sheet) {
  const double scale = std::min(1.0, static_cast<double>(cell) / std::max(image.width, image.height));
  const int width = std::max(1, static_cast<int>(std::lround(image.width * scale)));
  const int height = std::max(1, static_cast<int>(std::lround(image.height * scale)));
  left += (cell - width) / 2;
  top += (cell - height) / 2;
  for (int y = 0; y < height; ++y) {
    const Span rows = source_span(y, image.height, height);
    auto at = static_cast<std::size_t>(top + y) * static_cast<std::size_t>(sheet.width) +
              static_cast<std::size_t>(left);
    for (int x = 0; x < width; ++x, ++at)
      for (int channel = 0; channel < 3; ++channel)
        sheet.pixels[at * 3 + static_cast<std::size_t>(channel)] =
            mean(image, rows, source_span(x, image.width, width), channel);
  }
}

}  // namespace

Image contact_sheet(const std::vector<Image>& pictures) {
  const int count = static_cast<int>(pictures.size());
  const int columns = static_cast<int>(std::ceil(std::sqrt(count)));
  const int rows = (count + columns - 1) / columns;
  int cell = 1;
  for (const Image& picture : pictures) cell = std::max({cell, picture.width, picture.height});
  cell = std::min(cell, kMaxCell);
  Image sheet;
  sheet.height = rows * (cell + kGap) - kGap;
  sheet.width = columns * (cell + kGap) - kGap;
  sheet.pixels.assign(static_cast<std::size_t>(sheet.height) * static_cast<std::size_t>(sheet.width) * 3, 0);
  for (int i = 0; i < count; ++i)
    place(pictures[static_cast<std::size_t>(i)], i % columns * (cell + kGap), i / columns * (cell + kGap),
          cell, sheet);
  return sheet;
}

}  // namespace moonbeam::server
