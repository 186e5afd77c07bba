// Pictures: decoding files and camera frames to 8-bit RGB, and writing PNG.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moonbeam {

/// 8-bit RGB, rows from the top, no padding: pixels[(y * width + x) * 3 + channel].
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  ///< [height, width, 3]
};

struct DecodeOptions {
  /// Turn the picture as its EXIF orientation says. Off is what the reference does; apps switch it on.
  bool apply_orientation = false;
  int max_side = 65'535;                  ///< pixels; a longer side is refused from the header
  std::int64_t max_pixels = 268'435'456;  ///< 256 megapixels
  double deadline_seconds = 0;            ///< give up decoding after this long; 0 = no limit
};

/// Decodes JPEG, PNG, WebP, GIF (first frame), BMP or PPM/PGM/PBM, told apart by content.
/// Alpha is dropped (the colour under it stays), grey and palette become RGB, 16-bit samples keep their
/// high byte, ICC profiles and gamma are ignored: as PIL's `convert("RGB")` in the reference.
/// @throws Error kCorrupt (broken data), kUnsupported (HEIC, AVIF, other formats, named),
///         kExhausted (a limit of `options`, with both figures), kInvalidArgument (empty input).
/// `name` stands in front of error messages.
Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options = {},
                   const std::string& name = "image");

/// Reads and decodes a file. @throws Error as decode_image; kNotFound if it cannot be opened.
Image load_image(const std::string& path, const DecodeOptions& options = {});

/// Writes an 8-bit RGB PNG under `path`: all of it or nothing (a temporary file, then a rename).
/// @throws Error kExhausted (disk full), kNotFound (folder missing or not writable).
void save_png(const Image& image, const std::string& path);

/// As save_png, JPEG of the given quality 1..100.
void save_jpeg(const Image& image, const std::string& path, int quality = 92);

}  // namespace moonbeam
