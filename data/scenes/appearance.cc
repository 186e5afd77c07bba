#include "data/scenes/appearance.h"

#include <algorithm>
#include <cstdlib>

#include "data/scenes/colours.h"
#include "data/scenes/maths.h"
#include "data/scenes/restyle.h"
#include "data/scenes/shapes.h"

namespace moonbeam::data {

namespace {

// Gray is too near to white and black on a dim picture to be asked of a shape.
constexpr Colour kShapeColours[] = {Colour::kRed,    Colour::kGreen,  Colour::kBlue, Colour::kYellow,
                                    Colour::kOrange, Colour::kPurple, Colour::kPink, Colour::kWhite,
                                    Colour::kBlack,  Colour::kBrown};

/// Largest rotation that leaves a shape what it is, in turns: a square on its corner would be a diamond.
float most_turns(Shape shape) {
  switch (shape) {
    case Shape::kCircle:
    case Shape::kStar:
    case Shape::kArrow:
      return 0.5f;
    case Shape::kTriangle:
    case Shape::kHeart:
      return 0.08f;
    case Shape::kSquare:
    case Shape::kDiamond:
    case Shape::kCross:
      return 0.04f;
  }
  return 0;
}

Appearance draw_own_shape(Shape shape, float side, Stream& stream) {
  Appearance out;
  out.colour = kShapeColours[stream.below(std::size(kShapeColours))];
  ShapeStyle style;
  style.colour = draw_colour(*out.colour, stream);
  style.turns = stream.chance(0.6) ? stream.uniform(-1, 1) * most_turns(shape) : 0;
  if (shape != Shape::kCircle && shape != Shape::kSquare && stream.chance(0.4))
    style.stretch = stream.uniform(0.85f, 1.18f);
  if (stream.chance(0.25)) {
    const bool dark = out.colour != Colour::kBlack && stream.chance(0.7);
    const int weight = dark ? stream.between(60, 150) : 256;
    style.edge = dark ? (scaled(style.colour, static_cast<std::uint32_t>(weight)) & 0x00ffffffu) | 0xff000000u
                      : make_rgba(245, 245, 245);
    style.edge_width = std::max(1.0f, side * stream.uniform(0.02f, 0.05f));
  }
  out.layer = draw_shape(shape, side, style);
  if (stream.chance(0.2)) out.shadow = std::max(1, round_to_int(side * 0.05f));
  return out;
}

std::string draw_text(Stream& stream) {
  static constexpr std::string_view kWords[] = {
      "STOP", "OPEN", "SALE", "EXIT",  "MENU", "TAXI", "CAFE",  "HOTEL", "BUS",   "FREE",
      "HELP", "PARK", "SHOP", "PIZZA", "MILK", "TEA",  "BREAD", "FISH",  "LEFT",  "RIGHT",
      "PUSH", "PULL", "HOT",  "COLD",  "NEW",  "BOOK", "MUSIC", "MOON",  "START", "END"};
  if (stream.chance(0.6)) return std::string(kWords[stream.below(std::size(kWords))]);
  // Without I, O, Q, 0 and 1, which nobody tells apart.
  static constexpr std::string_view kLetters = "ABCDEFGHJKLMNPRSTUVWXYZ23456789";
  std::string text(static_cast<std::size_t>(stream.between(1, 6)), ' ');
  for (char& c : text) c = kLetters[stream.below(kLetters.size())];
  return text;
}

Appearance draw_own_sign(float side, Stream& stream, Stream& text) {
  Appearance out;
  out.text = draw_text(text);
  static constexpr std::pair<Colour, Colour> kPairs[] = {
      {Colour::kWhite, Colour::kBlack}, {Colour::kYellow, Colour::kBlack}, {Colour::kBlue, Colour::kWhite},
      {Colour::kRed, Colour::kWhite},   {Colour::kGreen, Colour::kWhite},  {Colour::kBlack, Colour::kWhite}};
  const auto& [board, ink] = kPairs[stream.below(std::size(kPairs))];
  out.colour = board;
  const Rgba board_colour = draw_colour(board, stream), ink_colour = draw_colour(ink, stream);
  const float turns = stream.chance(0.5) ? stream.uniform(-0.03f, 0.03f) : 0;
  out.layer = draw_sign(out.text, side, board_colour, ink_colour, turns);
  return out;
}

Appearance draw_sprite(int label, int sprite, float side, const Atlas& atlas, const LabelTable& labels,
                       float restyled, ObjectStreams& streams) {
  Stream& stream = streams.sprite;
  const Sprite& drawing = atlas.sprite(sprite);
  Warp warp;
  warp.mirror = stream.chance(0.5) && !labels[label].letters;
  const bool turned = stream.chance(0.5), stretched = stream.chance(0.3);
  const float turns = stream.uniform(-20.0f / 360, 20.0f / 360), stretch = stream.uniform(0.85f, 1.18f);
  if (turned) warp.turns = turns;
  if (stretched) warp.stretch = stretch;
  const auto width = static_cast<float>(drawing.width()) * warp.stretch,
             height = static_cast<float>(drawing.height());
  warp.scale = side / std::max(width, height);
  Appearance out;
  out.layer = warped(drawing, warp);

  const bool brightened = stream.chance(0.4), repainted = stream.chance(0.5);
  const float brightness = stream.uniform(0.7f, 1.25f);
  const std::optional<int> hue = atlas.hue(sprite);
  const std::vector<Colour>& colours = labels[label].colours;
  if (repainted && hue && !colours.empty()) {
    const Colour target = colours[stream.below(static_cast<std::uint32_t>(colours.size()))];
    const int turn = (*hue_of(target) - *hue + 1536) % 1536;
    if (turn != 0) turn_hue(out.layer, turn);
  }
  if (brightened) brighten(out.layer, round_to_int(brightness * 256));
  if (restyled > 0 && streams.hand.chance(static_cast<double>(restyled)))
    out.layer = restyle(out.layer, streams.hand);
  out.colour = count_colours(out.layer).dominant();

  const bool soft = stream.chance(0.1), edged = stream.chance(0.2), shadowed = stream.chance(0.5);
  const int amount = stream.between(-100, 128);
  if (soft) out.layer = smoothed(out.layer, amount);
  if (edged && shadowed) out.shadow = std::max(1, round_to_int(side * 0.05f));
  if (edged && !shadowed) {
    const Rgba edge = stream.chance(0.6) ? make_rgba(250, 250, 250) : make_rgba(20, 20, 20);
    out.layer = outlined(out.layer, std::max(1, round_to_int(side * stream.uniform(0.01f, 0.04f))), edge);
  }
  return out;
}

/// Mean of the owned pixels and of the canvas under them, every third one of every third row.
struct Means {
  int count = 0;
  int difference = 0;  ///< largest channel's, mean
  int lightness = 0;   ///< of the canvas
};

Means compare(const Layer& layer, int x, int y, const Layer& canvas) {
  Means means;
  std::int64_t difference = 0, lightness = 0;
  for (int row = std::max(0, -y); row < std::min(layer.height, canvas.height - y); row += 3) {
    const Rgba* top = layer.row(row);
    const Rgba* below = canvas.row(y + row) + x;
    for (int column = std::max(0, -x); column < std::min(layer.width, canvas.width - x); column += 3) {
      const Rgba a = top[column], b = below[column];
      if (alpha(a) < kOwnedAlpha) continue;
      difference +=
          std::max({std::abs(red(a) - red(b)), std::abs(green(a) - green(b)), std::abs(blue(a) - blue(b))});
      lightness += green(b);
      ++means.count;
    }
  }
  if (means.count > 0) {
    means.difference = static_cast<int>(difference / means.count);
    means.lightness = static_cast<int>(lightness / means.count);
  }
  return means;
}

}  // namespace

Appearance draw_object(int label, int sprite, float side, const Atlas& atlas, const LabelTable& labels,
                       float restyled, ObjectStreams& streams) {
  Appearance out;
  if (sprite >= 0) {
    out = draw_sprite(label, sprite, side, atlas, labels, restyled, streams);
  } else if (label == labels.sign()) {
    out = draw_own_sign(side, streams.sprite, streams.text);
  } else {
    out = draw_own_shape(static_cast<Shape>(label), side, streams.sprite);
  }
  out.extent = owned_extent(out.layer);
  return out;
}

bool hidden_by_contrast(const Layer& layer, int x, int y, const Layer& canvas) {
  constexpr int kLeast = 44;
  const Means means = compare(layer, x, y, canvas);
  return means.count > 0 && means.difference < kLeast;
}

void add_edge(Appearance& object, int x, int y, const Layer& canvas) {
  const int light = compare(object.layer, x, y, canvas).lightness;
  const int radius = std::max(object.extent.width(), object.extent.height()) >= 60 ? 2 : 1;
  object.layer =
      outlined(object.layer, radius, light > 128 ? make_rgba(25, 25, 25) : make_rgba(245, 245, 245));
  object.extent = owned_extent(object.layer);
}

}  // namespace moonbeam::data
