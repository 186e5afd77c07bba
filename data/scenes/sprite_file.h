// Drawings as PNG files of at most 160 colours with alpha.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "data/scenes/layer.h"

namespace moonbeam::data {

inline constexpr int kMostSpriteSide = 1024;

/// @throws Error kCorrupt with `name` in front; kExhausted (a side above kMostSpriteSide).
Layer read_sprite(std::span<const std::byte> png, const std::string& name);

/// The picture in its best 160 colours (median cut, then k-means), which is hard to tell from the original at
/// a quarter of the size. The bytes depend on the release of libpng and zlib, the pixels do not.
std::string write_sprite(const Layer& picture);

}  // namespace moonbeam::data
