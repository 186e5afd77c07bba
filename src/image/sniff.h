// Tells picture formats apart by their first bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace moonbeam::image {

enum class Format { kJpeg, kPng, kWebp, kGif, kBmp, kPnm, kOther };

Format sniff(std::span<const std::uint8_t> bytes);

/// Why bytes of Format::kOther cannot be read: names the format where it is known, and how to convert it.
struct Refusal {
  bool known = false;  ///< a format we know by name, so kUnsupported; else kCorrupt
  std::string text;
};
Refusal explain_other(std::span<const std::uint8_t> bytes);

}  // namespace moonbeam::image
