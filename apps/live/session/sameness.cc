#include "live/session/sameness.h"

#include <algorithm>
#include <cstdlib>

namespace moonbeam::live {

namespace {

// At most so many samples a side stand for the area under a pixel: enough for a mean, little work at any
// size.
constexpr int kSamples = 4;

// BT.601, in 1/256.
int grey(const std::uint8_t* rgb) noexcept {
  return (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]) >> 8;
}

std::uint8_t mean(const Image& image, int row, int column) noexcept {
  const auto begin = [](int side, int i) { return static_cast<int>(std::int64_t{side} * i / kThumbSide); };
  const int top = begin(image.height, row), left = begin(image.width, column);
  const int bottom = std::max(begin(image.height, row + 1), top + 1);
  const int right = std::max(begin(image.width, column + 1), left + 1);
  const int rows = std::min(kSamples, bottom - top), columns = std::min(kSamples, right - left);
  int sum = 0;
  for (int i = 0; i < rows; ++i) {
    const std::int64_t y = top + std::int64_t{bottom - top} * i / rows;
    for (int j = 0; j < columns; ++j) {
      const std::int64_t x = left + std::int64_t{right - left} * j / columns;
      sum += grey(&image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)]);
    }
  }
  return static_cast<std::uint8_t>(sum / (rows * columns));
}

}  // namespace

Thumbnail thumbnail(const Image& image) {
  Thumbnail out;
  for (int row = 0; row < kThumbSide; ++row) {
    for (int column = 0; column < kThumbSide; ++column) {
      out[static_cast<std::size_t>(row * kThumbSide + column)] = mean(image, row, column);
    }
  }
  return out;
}

bool same_scene(const Thumbnail& a, const Thumbnail& b) noexcept {
  for (int top = 0; top < kThumbSide; top += kTileSide) {
    for (int left = 0; left < kThumbSide; left += kTileSide) {
      int sum = 0;
      for (int y = top; y < top + kTileSide; ++y) {
        for (int x = left; x < left + kTileSide; ++x) {
          const auto i = static_cast<std::size_t>(y * kThumbSide + x);
          sum += std::abs(int{a[i]} - int{b[i]});
        }
      }
      if (sum >= kChanged * kTileSide * kTileSide) return false;
    }
  }
  return true;
}

}  // namespace moonbeam::live
