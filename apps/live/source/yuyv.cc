#include <algorithm>

#include "base/error.h"
#include "live/source/camera.h"

namespace moonbeam::live {

namespace {

std::uint8_t clip(int value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0, 255));
}

// Factors in 1/256.
void write_pixel(int y, int u, int v, std::uint8_t* rgb) {
  const int c = 298 * (y - 16), d = u - 128, e = v - 128;
  rgb[0] = clip((c + 409 * e + 128) >> 8);
  rgb[1] = clip((c - 100 * d - 208 * e + 128) >> 8);
  rgb[2] = clip((c + 516 * d + 128) >> 8);
}

}  // namespace

Image yuyv_to_rgb(std::span<const std::uint8_t> bytes, int height, int width, int stride) {
  const std::size_t needed = static_cast<std::size_t>(stride) * static_cast<std::size_t>(height);
  if (width < 2 || width % 2 != 0 || height < 1 || stride < 2 * width || bytes.size() < needed) {
    base::fail(ErrorCode::kCorrupt, "camera: expected ", needed, " bytes of YUYV, got ", bytes.size());
  }
  Image out{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height) * width * 3)};
  std::uint8_t* rgb = out.pixels.data();
  for (int row = 0; row < height; ++row) {
    const std::uint8_t* pair = bytes.data() + static_cast<std::size_t>(row) * stride;
    for (int column = 0; column < width; column += 2, pair += 4, rgb += 6) {
      write_pixel(pair[0], pair[1], pair[3], rgb);
      write_pixel(pair[2], pair[1], pair[3], rgb + 3);
    }
  }
  return out;
}

}  // namespace moonbeam::live
