#include "data/scenes/colours.h"

#include <algorithm>
#include <vector>

#include "data/scenes/maths.h"

namespace moonbeam::data {

namespace {

constexpr int kSixth = 256;  // units of hue in a sixth of the wheel
constexpr int kWheel = 6 * kSixth;

struct Hsv {
  int hue;         // [0, kWheel)
  int chroma;      // largest less smallest channel
  int saturation;  // of 255
  int value;       // largest channel
};

Hsv to_hsv(int r, int g, int b) {
  const int most = std::max({r, g, b}), least = std::min({r, g, b}), chroma = most - least;
  int hue = 0;
  if (chroma > 0) {
    if (most == r) {
      hue = (g - b) * kSixth / chroma;
    } else if (most == g) {
      hue = 2 * kSixth + (b - r) * kSixth / chroma;
    } else {
      hue = 4 * kSixth + (r - g) * kSixth / chroma;
    }
    hue = (hue + kWheel) % kWheel;
  }
  return {hue, chroma, most == 0 ? 0 : chroma * 255 / most, most};
}

/// Colour of this hue with channels between `least` and `least + chroma`.
std::array<int, 3> from_hue(int hue, int least, int chroma) {
  const int part = hue % kSixth, up = least + chroma * part / kSixth,
            down = least + chroma * (kSixth - part) / kSixth, most = least + chroma;
  switch (hue / kSixth) {
    case 0:
      return {most, up, least};
    case 1:
      return {down, most, least};
    case 2:
      return {least, most, up};
    case 3:
      return {least, down, most};
    case 4:
      return {up, least, most};
    default:
      return {most, least, down};
  }
}

constexpr int degrees(int d) {
  return d * kWheel / 360;
}

std::optional<Colour> chromatic_term(const Hsv& c) {
  const auto between = [&](int from, int to) { return c.hue >= degrees(from) && c.hue < degrees(to); };
  const bool vivid = c.saturation >= 140;
  if (between(0, 12) || between(346, 360)) {
    if (vivid && c.value >= 110) return Colour::kRed;
    if (c.saturation >= 50 && c.saturation < 125 && c.value >= 205) return Colour::kPink;
    if (between(5, 12) && c.value >= 55 && c.value < 105) return Colour::kBrown;
    return std::nullopt;
  }
  if (between(12, 45)) {
    if (c.value < 165 && c.value >= 50 && c.saturation >= 70) return Colour::kBrown;
    if (between(18, 42) && c.saturation >= 165 && c.value >= 215) return Colour::kOrange;
    return std::nullopt;
  }
  if (between(46, 66)) {
    if (c.saturation >= 110 && c.value >= 190) return Colour::kYellow;
    return std::nullopt;
  }
  if (between(75, 160))
    return c.saturation >= 75 && c.value >= 55 ? std::optional(Colour::kGreen) : std::nullopt;
  if (between(190, 250))
    return c.saturation >= 85 && c.value >= 65 ? std::optional(Colour::kBlue) : std::nullopt;
  if (between(262, 304))
    return c.saturation >= 70 && c.value >= 65 ? std::optional(Colour::kPurple) : std::nullopt;
  if (between(312, 346)) {
    if (c.saturation >= 55 && c.value >= 200) return Colour::kPink;
    return std::nullopt;
  }
  return std::nullopt;
}

constexpr std::uint8_t kNoTerm = 255;

/// colour_term() for channels of five bits: counting must not cost more than drawing.
const std::vector<std::uint8_t>& term_table() {
  static const std::vector<std::uint8_t> table = [] {
    std::vector<std::uint8_t> terms(32 * 32 * 32);
    for (int i = 0; i < 32 * 32 * 32; ++i) {
      const auto wide = [](int five) { return five << 3 | five >> 2; };
      const std::optional<Colour> term = colour_term(wide(i & 31), wide(i >> 5 & 31), wide(i >> 10));
      terms[static_cast<std::size_t>(i)] = term ? static_cast<std::uint8_t>(*term) : kNoTerm;
    }
    return terms;
  }();
  return table;
}

struct Range {
  int hue_from, hue_to;  // degrees
  int saturation_from, saturation_to, value_from, value_to;
};

Range range_of(Colour colour) {
  switch (colour) {
    case Colour::kRed:
      return {-8, 6, 195, 255, 175, 255};
    case Colour::kGreen:
      return {95, 145, 140, 255, 105, 225};
    case Colour::kBlue:
      return {205, 238, 150, 255, 140, 255};
    case Colour::kYellow:
      return {49, 60, 175, 255, 225, 255};
    case Colour::kOrange:
      return {22, 36, 195, 255, 232, 255};
    case Colour::kPurple:
      return {268, 294, 130, 235, 110, 215};
    case Colour::kPink:
      return {318, 342, 75, 160, 228, 255};
    case Colour::kWhite:
      return {0, 359, 0, 14, 240, 255};
    case Colour::kBlack:
      return {0, 359, 0, 60, 8, 36};
    case Colour::kBrown:
      return {18, 32, 140, 215, 75, 140};
    case Colour::kGray:
      return {0, 359, 0, 18, 105, 165};
  }
  return {};
}

}  // namespace

std::optional<Colour> colour_term(int r, int g, int b) {
  const Hsv c = to_hsv(r, g, b);
  if (c.value < 46 || (c.value < 66 && c.saturation < 90)) return Colour::kBlack;
  if (c.saturation < 30 && c.value >= 222) return Colour::kWhite;
  if (c.saturation < 34 && c.value >= 80 && c.value < 200) return Colour::kGray;
  if (c.saturation < 50) return std::nullopt;
  return chromatic_term(c);
}

std::optional<Colour> ColourCounts::dominant() const {
  if (pixels == 0) return std::nullopt;
  const auto first = std::max_element(of.begin(), of.end());
  if (*first * 100 < pixels * 55) return std::nullopt;
  for (auto at = of.begin(); at != of.end(); ++at) {
    if (at != first && *at * 100 > pixels * 20) return std::nullopt;
  }
  return static_cast<Colour>(first - of.begin());
}

ColourCounts count_colours(const Layer& layer) {
  const std::vector<std::uint8_t>& terms = term_table();
  std::array<std::int64_t, 256> counts{};
  std::int64_t pixels = 0;
  for (const Rgba p : layer.pixels) {
    if (alpha(p) < 240) continue;
    ++pixels;
    ++counts[terms[(p >> 3 & 31) | (p >> 6 & 31 << 5) | (p >> 9 & 31 << 10)]];
  }
  ColourCounts out;
  out.pixels = pixels;
  std::copy_n(counts.begin(), kColours, out.of.begin());
  return out;
}

Rgba draw_colour(Colour colour, Stream& stream) {
  const Range range = range_of(colour);
  const int hue = (stream.between(degrees(range.hue_from), degrees(range.hue_to)) + kWheel) % kWheel;
  const int saturation = stream.between(range.saturation_from, range.saturation_to);
  const int value = stream.between(range.value_from, range.value_to);
  const int chroma = value * saturation / 255;
  const std::array<int, 3> c = from_hue(hue, value - chroma, chroma);
  return make_rgba(c[0], c[1], c[2]);
}

std::optional<int> hue_of(Colour colour) {
  if (colour == Colour::kWhite || colour == Colour::kBlack || colour == Colour::kGray ||
      colour == Colour::kBrown) {
    return std::nullopt;
  }
  const Range range = range_of(colour);
  return ((degrees(range.hue_from) + degrees(range.hue_to)) / 2 + kWheel) % kWheel;
}

std::optional<int> hue_of(Rgba pixel) {
  const Hsv c = to_hsv(red(pixel), green(pixel), blue(pixel));
  if (c.chroma < 16) return std::nullopt;
  return c.hue;
}

void turn_hue(Layer& layer, int turn) {
  for (Rgba& p : layer.pixels) {
    // Hue does not change when all channels are multiplied by alpha, so this is right as it stands.
    const Hsv c = to_hsv(red(p), green(p), blue(p));
    if (c.chroma == 0) continue;
    const std::array<int, 3> turned = from_hue((c.hue + turn) % kWheel, c.value - c.chroma, c.chroma);
    p = make_rgba(turned[0], turned[1], turned[2], alpha(p));
  }
}

void brighten(Layer& layer, int weight) {
  for (Rgba& p : layer.pixels) {
    const int a = alpha(p);
    p = make_rgba(std::min(red(p) * weight >> 8, a), std::min(green(p) * weight >> 8, a),
                  std::min(blue(p) * weight >> 8, a), a);
  }
}

}  // namespace moonbeam::data
