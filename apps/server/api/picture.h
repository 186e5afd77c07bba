// The picture of a request: found, decoded within limits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <moonbeam/image.h>

#include "server/api/fields.h"

namespace moonbeam::server {

struct PictureLimits {
  std::int64_t max_pixels = 50'000'000;
  double deadline_seconds = 3;  ///< of decoding
  /// Turn uploads as their EXIF orientation says. What comes in `image_url` is never turned: the makers'
  /// clients have taken the mark off, and their boxes refer to the picture as it lies.
  bool turn_uploads = true;
  /// The bytes at a web address, for the field that named it; empty: refused. @throws Refusal.
  std::function<std::string(std::string_view url, const std::string& field)> fetch = {};
};

struct Picture {
  Image image;
  double decode_ms = 0;  ///< base64 included
  std::int64_t pixels() const noexcept { return std::int64_t{image.height} * image.width; }
};

/// The upload, else `image_url`; nothing where there is neither.
/// @throws Refusal 400 image_decode_failed, url_images_disabled, what `fetch` throws; 413 image_too_large
/// (told from the header,
///         before anything is decoded, where it is the pixels).
std::optional<Picture> read_picture(const Fields& fields, const PictureLimits& limits);
/// @throws Refusal as above; 400 missing_field.
Picture required_picture(const Fields& fields, const PictureLimits& limits);

/// From a data URI, base64 by itself or a web address, wherever it stood: `field` is what errors call it.
Picture picture_from_uri(std::string_view uri, const std::string& field, const PictureLimits& limits);
/// From a file's bytes.
Picture picture_from_bytes(std::string_view bytes, const std::string& field, bool turn,
                           const PictureLimits& limits);

}  // namespace moonbeam::server
