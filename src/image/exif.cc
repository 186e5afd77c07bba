#include "image/exif.h"

#include <cstring>
#include <string_view>
#include <utility>

#include "base/checked.h"

namespace moonbeam::image {
namespace {

using Bytes = std::span<const std::uint8_t>;

/// Number of `size` bytes at `at`, or 0 beyond the end.
std::uint32_t number(Bytes bytes, std::size_t at, int size, bool big_endian) {
  if (!base::range_fits(at, static_cast<std::uint64_t>(size), bytes.size())) return 0;
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) {
    value = value << 8 | bytes[at + static_cast<std::size_t>(big_endian ? i : size - 1 - i)];
  }
  return value;
}

bool text_at(Bytes bytes, std::size_t at, std::string_view text) {
  return base::range_fits(at, text.size(), bytes.size()) &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

/// `size` bytes from `at`, or what there is of them.
Bytes part(Bytes bytes, std::size_t at, std::size_t size) {
  if (at >= bytes.size()) return {};
  return bytes.subspan(at, std::min(size, bytes.size() - at));
}

/// Tag 0x0112 of the first directory of a TIFF block.
int orientation_of_tiff(Bytes tiff) {
  const bool big = text_at(tiff, 0, "MM");
  if ((!big && !text_at(tiff, 0, "II")) || number(tiff, 2, 2, big) != 42) return 1;
  const std::size_t directory = number(tiff, 4, 4, big);
  const std::uint32_t entries = number(tiff, directory, 2, big);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{i} * 12;
    if (entry + 12 > tiff.size()) break;
    if (number(tiff, entry, 2, big) != 0x0112) continue;
    constexpr std::uint32_t kShort = 3;
    const std::uint32_t value = number(tiff, entry + 8, 2, big);
    return number(tiff, entry + 2, 2, big) == kShort && value >= 1 && value <= 8 ? static_cast<int>(value)
                                                                                 : 1;
  }
  return 1;
}

constexpr std::string_view kExifHeader("Exif\0\0", 6);

Bytes find_in_jpeg(Bytes file) {
  std::size_t at = 2;
  while (at + 4 <= file.size() && file[at] == 0xff) {
    const std::uint8_t marker = file[at + 1];
    if (marker == 0xff) {  // padding
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) break;  // pixels, or the end
    const std::size_t length = number(file, at + 2, 2, true);
    if (length < 2) break;
    const Bytes segment = part(file, at + 4, length - 2);
    if (marker == 0xe1 && text_at(segment, 0, kExifHeader)) return segment.subspan(kExifHeader.size());
    at += 2 + length;
  }
  return {};
}

Bytes find_in_png(Bytes file) {
  std::size_t at = 8;
  while (at + 8 <= file.size()) {
    const std::size_t length = number(file, at, 4, true);
    if (text_at(file, at + 4, "eXIf")) return part(file, at + 8, length);
    at += 12 + length;
  }
  return {};
}

Bytes find_in_webp(Bytes file) {
  std::size_t at = 12;
  while (at + 8 <= file.size()) {
    const std::size_t length = number(file, at + 4, 4, false);
    if (text_at(file, at, "EXIF")) {
      const Bytes chunk = part(file, at + 8, length);
      return text_at(chunk, 0, kExifHeader) ? chunk.subspan(kExifHeader.size()) : chunk;
    }
    at += 8 + length + (length & 1);
  }
  return {};
}

}  // namespace

int find_orientation(Bytes file, Format format) noexcept {
  switch (format) {
    case Format::kJpeg:
      return orientation_of_tiff(find_in_jpeg(file));
    case Format::kPng:
      return orientation_of_tiff(find_in_png(file));
    case Format::kWebp:
      return orientation_of_tiff(find_in_webp(file));
    default:
      return 1;
  }
}

Image apply_orientation(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  // Upright row y, column x comes from stored row or column y, x, counted from one end or the other.
  const bool swap = orientation >= 5;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  Image out;
  out.height = swap ? image.width : image.height;
  out.width = swap ? image.height : image.width;
  out.pixels.resize(image.pixels.size());
  std::uint8_t* to = out.pixels.data();
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x, to += 3) {
      int row = swap ? x : y, col = swap ? y : x;
      // For the turned four: 5 transposes, 6 turns clockwise, 7 transverses, 8 turns the other way.
      if (swap ? from_right : from_bottom) row = image.height - 1 - row;
      if (swap ? from_bottom : from_right) col = image.width - 1 - col;
      std::memcpy(to, &image.pixels[(static_cast<std::size_t>(row) * image.width + col) * 3], 3);
    }
  }
  return out;
}

}  // namespace moonbeam::image
