#include "data/scenes/sprite.h"

#include <algorithm>
#include <cmath>

#include "data/scenes/maths.h"

namespace moonbeam::data {

namespace {

Layer bordered(const Layer& picture) {
  Layer out(picture.width + 2 * Sprite::kBorder, picture.height + 2 * Sprite::kBorder);
  for (int y = 0; y < picture.height; ++y) {
    std::copy_n(picture.row(y), picture.width, out.row(y + Sprite::kBorder) + Sprite::kBorder);
  }
  return out;
}

/// Means of 2 x 2; an odd last row or column is averaged with emptiness, as what lies beyond it is.
Layer halved(const Layer& picture) {
  Layer out((picture.width + 1) / 2, (picture.height + 1) / 2);
  const auto at = [&](int x, int y) {
    return x < picture.width && y < picture.height ? picture.row(y)[x] : 0;
  };
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      std::uint64_t sum = 0x0002'0002'0002'0002;  // four lanes, so that nothing is lost before the division
      for (int i = 0; i < 4; ++i) {
        const std::uint64_t p = at(2 * x + i % 2, 2 * y + i / 2);
        sum += (p & 0x00ff00ff) | (p & 0xff00ff00) << 24;
      }
      const std::uint64_t mean = sum >> 2 & 0x00ff'00ff'00ff'00ff;
      out.row(y)[x] = static_cast<Rgba>(mean | mean >> 24);
    }
  }
  return out;
}

}  // namespace

Sprite::Sprite(const Layer& picture) : width_(picture.width), height_(picture.height) {
  Layer level = picture;
  float scale = 1;
  for (;;) {
    levels_.push_back({bordered(level), scale});
    if (std::max(level.width, level.height) <= 8) return;
    level = halved(level);
    scale *= 0.5f;
  }
}

Layer warped(const Sprite& sprite, const Warp& warp) {
  // The level that is shrunk by less than 1.5: bilinear sampling then misses little and blurs little.
  std::size_t index = 0;
  while (index + 1 < sprite.levels().size() && warp.scale * 1.5f < sprite.levels()[index].scale) ++index;
  const Sprite::Level& level = sprite.levels()[index];
  const float scale_y = warp.scale / level.scale, scale_x = scale_y * warp.stretch;
  const float c = cos_turn(warp.turns), s = sin_turn(warp.turns);
  const float wide = static_cast<float>(sprite.width()) * warp.scale * warp.stretch;
  const float high = static_cast<float>(sprite.height()) * warp.scale;
  Layer out(static_cast<int>(std::ceil(std::fabs(c) * wide + std::fabs(s) * high)) + 2,
            static_cast<int>(std::ceil(std::fabs(s) * wide + std::fabs(c) * high)) + 2);

  // Where a pixel of the output comes from, in 1/65536 of the level's pixels.
  constexpr float kOne = 65536;
  const float flip = warp.mirror ? -1.0f : 1.0f;
  const float du_dx = flip * c / scale_x, du_dy = flip * s / scale_x, dv_dx = -s / scale_y,
              dv_dy = c / scale_y;
  const float middle_u = static_cast<float>(sprite.width()) * level.scale * 0.5f + Sprite::kBorder - 0.5f;
  const float middle_v = static_cast<float>(sprite.height()) * level.scale * 0.5f + Sprite::kBorder - 0.5f;
  const float half_x = static_cast<float>(out.width - 1) * 0.5f,
              half_y = static_cast<float>(out.height - 1) * 0.5f;
  const int step_u = round_to_int(du_dx * kOne), step_v = round_to_int(dv_dx * kOne);
  const Layer& from = level.picture;
  const int most_u = (from.width - 1) << 16, most_v = (from.height - 1) << 16;
  for (int y = 0; y < out.height; ++y) {
    const float dy = static_cast<float>(y) - half_y;
    int u = round_to_int((middle_u - half_x * du_dx + dy * du_dy) * kOne);
    int v = round_to_int((middle_v - half_x * dv_dx + dy * dv_dy) * kOne);
    Rgba* to = out.row(y);
    for (int x = 0; x < out.width; ++x, u += step_u, v += step_v) {
      if (u < 0 || v < 0 || u >= most_u || v >= most_v) continue;
      const Rgba* here = from.row(v >> 16) + (u >> 16);
      const Rgba* below = here + from.width;
      const auto part_u = static_cast<std::uint32_t>(u >> 8 & 255),
                 part_v = static_cast<std::uint32_t>(v >> 8 & 255);
      to[x] = mixed(mixed(here[0], here[1], part_u), mixed(below[0], below[1], part_u), part_v);
    }
  }
  return out;
}

}  // namespace moonbeam::data
