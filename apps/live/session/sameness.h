// Whether a scene has changed since the picture that was last analysed. The page does the same before it
// sends (web/live/frames.js): the two must agree on sizes and limit.
#pragma once

#include <moonbeam/image.h>

#include <array>
#include <cstdint>

namespace moonbeam::live {

inline constexpr int kThumbSide = 64;  // pixels, whatever the picture's shape
inline constexpr int kTileSide = 8;    // pixels of the thumbnail
/// Mean absolute difference of a tile's greys from which it counts as changed.
inline constexpr double kChanged = 0.02 * 255;

/// Greys, row by row from the top.
using Thumbnail = std::array<std::uint8_t, kThumbSide * kThumbSide>;

/// Each pixel the mean of the picture's area under it. `image` is not empty.
Thumbnail thumbnail(const Image& image);

/// True if no tile has changed: one small thing that moves is a change, noise all over is none.
bool same_scene(const Thumbnail& a, const Thumbnail& b) noexcept;

}  // namespace moonbeam::live
