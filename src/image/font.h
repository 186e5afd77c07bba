// A bitmap font for labels: printable ASCII, 5 by 9 pixels.
#pragma once

#include <array>
#include <cstdint>

namespace moonbeam::image {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 9;
inline constexpr int kGlyphAdvance = kGlyphWidth + 1;

/// Rows from the top; bit 4 is the leftmost pixel.
using Glyph = std::array<std::uint8_t, kGlyphHeight>;

/// An empty box for what is not printable ASCII.
const Glyph& glyph(char32_t c);

}  // namespace moonbeam::image
