// Which of the eleven colour terms a pixel or a drawing has, and colours drawn for a term.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "data/scenes/labels.h"
#include "data/scenes/layer.h"
#include "data/scenes/random.h"

namespace moonbeam::data {

/// The term that people would agree on; none between two terms (turquoise, peach, ...).
std::optional<Colour> colour_term(int red, int green, int blue);

/// How many of the nearly opaque pixels have each term.
struct ColourCounts {
  std::array<std::int64_t, kColours> of{};
  std::int64_t pixels = 0;  ///< those without a term too
  /// The term that covers >= 55 % while no other covers more than 20 %.
  std::optional<Colour> dominant() const;
};
ColourCounts count_colours(const Layer& layer);

/// A clear example of the term, varied.
Rgba draw_colour(Colour colour, Stream& stream);

/// Hue of a clear example in [0, 1536): a sixth of the wheel is 256; none of white, black, gray, brown.
std::optional<int> hue_of(Colour colour);
/// Of one pixel, premultiplied or not; none where there is no colour.
std::optional<int> hue_of(Rgba pixel);
/// Turns every pixel's hue by `turn` in [0, 1536); lightness and saturation stay (as in HSV).
void turn_hue(Layer& layer, int turn);
/// Multiplies the colours by weight / 256, at most white.
void brighten(Layer& layer, int weight);

}  // namespace moonbeam::data
