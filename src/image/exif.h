// EXIF orientation: found in JPEG, PNG and WebP files, applied to pictures. Other EXIF facts are ignored.
#pragma once

#include <moonbeam/image.h>

#include <cstdint>
#include <span>

#include "image/sniff.h"

namespace moonbeam::image {

/// 1..8 as EXIF numbers them; 1 (as stored) where there is none or it makes no sense. Never throws.
int find_orientation(std::span<const std::uint8_t> file, Format format) noexcept;

/// The picture turned and mirrored so that it stands upright. Not in place.
Image apply_orientation(Image image, int orientation);

}  // namespace moonbeam::image
