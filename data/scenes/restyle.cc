#include "data/scenes/restyle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "data/scenes/colours.h"
#include "data/scenes/maths.h"

namespace moonbeam::data {

namespace {

constexpr int kCells = 3;  // of the grid that bends a drawing, each way

/// How far the drawing is moved at each corner of the grid, in its longer side.
struct Bend {
  std::array<std::array<float, 2>, (kCells + 1) * (kCells + 1)> corners{};
  float most = 0;

  explicit Bend(Stream& stream) {
    most = stream.uniform(0.01f, 0.1f);
    for (auto& corner : corners) corner = {stream.uniform(-most, most), stream.uniform(-most, most)};
  }
  /// At (x, y) in [0, 1] of the drawing.
  std::array<float, 2> at(float x, float y) const {
    const float column = std::clamp(x, 0.0f, 1.0f) * kCells, row = std::clamp(y, 0.0f, 1.0f) * kCells;
    const int left = std::min(static_cast<int>(column), kCells - 1),
              above = std::min(static_cast<int>(row), kCells - 1);
    const float part_x = eased(column - static_cast<float>(left)),
                part_y = eased(row - static_cast<float>(above));
    std::array<float, 2> moved{};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const auto corner = [&](int dx, int dy) {
        return corners[static_cast<std::size_t>((above + dy) * (kCells + 1) + left + dx)][axis];
      };
      const float upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * part_x;
      const float lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * part_x;
      moved[axis] = upper + (lower - upper) * part_y;
    }
    return moved;
  }
  /// Without a kink where cells meet.
  static float eased(float t) { return t * t * (3 - 2 * t); }
};

/// Between pixels; nothing outside.
Rgba sample(const Layer& from, float x, float y) {
  const auto left = static_cast<int>(std::floor(x)), above = static_cast<int>(std::floor(y));
  const auto at = [&](int column, int row) {
    return column >= 0 && row >= 0 && column < from.width && row < from.height ? from.row(row)[column] : 0;
  };
  const auto part_x = static_cast<std::uint32_t>((x - static_cast<float>(left)) * 256),
             part_y = static_cast<std::uint32_t>((y - static_cast<float>(above)) * 256);
  return mixed(mixed(at(left, above), at(left + 1, above), part_x),
               mixed(at(left, above + 1), at(left + 1, above + 1), part_x), part_y);
}

Layer bent(const Layer& drawing, Stream& stream) {
  const Bend bend(stream);
  const float wide = stream.uniform(0.75f, 1.33f), lean = stream.uniform(-0.2f, 0.2f);
  const auto width = static_cast<float>(drawing.width), height = static_cast<float>(drawing.height);
  const float side = std::max(width, height), margin = bend.most * side + 1;
  Layer out(static_cast<int>((width + 2 * margin) * wide + std::fabs(lean) * height) + 1,
            static_cast<int>(height + 2 * margin) + 1);
  for (int y = 0; y < out.height; ++y) {
    const float from_middle = static_cast<float>(y) + 0.5f - static_cast<float>(out.height) * 0.5f;
    for (int x = 0; x < out.width; ++x) {
      const float across = static_cast<float>(x) + 0.5f - static_cast<float>(out.width) * 0.5f;
      const float u = (across - lean * from_middle) / wide + width * 0.5f, v = from_middle + height * 0.5f;
      const auto [dx, dy] = bend.at(u / width, v / height);
      out.row(y)[x] = sample(drawing, u + dx * side - 0.5f, v + dy * side - 0.5f);
    }
  }
  return out;
}

/// Without what is smaller than a cell: `cells` of them along the longer side. `weight` of 256 of it.
void simplify(Layer& layer, int cells, std::uint32_t weight) {
  const int step = std::max(2, std::max(layer.width, layer.height) / cells);
  Layer coarse((layer.width + step - 1) / step, (layer.height + step - 1) / step);
  for (int row = 0; row < coarse.height; ++row) {
    for (int column = 0; column < coarse.width; ++column) {
      std::array<std::int64_t, 4> sum{};
      const int right = std::min((column + 1) * step, layer.width),
                below = std::min((row + 1) * step, layer.height);
      for (int y = row * step; y < below; ++y) {
        for (int x = column * step; x < right; ++x) {
          const Rgba p = layer.row(y)[x];
          sum[0] += red(p), sum[1] += green(p), sum[2] += blue(p), sum[3] += alpha(p);
        }
      }
      // Of the drawing, not of the emptiness around it.
      const std::int64_t covered = std::max<std::int64_t>(1, sum[3]);
      const auto part = [&](std::size_t i) { return static_cast<int>(sum[i] * 255 / covered); };
      coarse.row(row)[column] = make_rgba(part(0), part(1), part(2), sum[3] > 0 ? 255 : 0);
    }
  }
  for (int y = 0; y < layer.height; ++y) {
    for (int x = 0; x < layer.width; ++x) {
      Rgba& p = layer.row(y)[x];
      const auto cover = static_cast<std::uint32_t>(alpha(p));
      const float at_x = (static_cast<float>(x) + 0.5f) / static_cast<float>(step) - 0.5f,
                  at_y = (static_cast<float>(y) + 0.5f) / static_cast<float>(step) - 0.5f;
      const Rgba plain = sample(coarse, at_x, at_y);
      if (alpha(plain) < 250) continue;  // near the edge it keeps its own
      p = (mixed(p, scaled(plain, cover + (cover >> 7)), weight) & 0x00ffffffu) | (p & 0xff000000u);
    }
  }
}

/// Dark where colours change: `strength` of 256.
void draw_lines(Layer& layer, int strength) {
  const Layer before = layer;
  for (int y = 1; y < layer.height; ++y) {
    for (int x = 1; x < layer.width; ++x) {
      const Rgba here = before.row(y)[x], left = before.row(y)[x - 1], above = before.row(y - 1)[x];
      const int change = std::abs(green(here) - green(left)) + std::abs(green(here) - green(above)) +
                         std::abs(red(here) - red(left)) + std::abs(red(here) - red(above)) +
                         std::abs(blue(here) - blue(left)) + std::abs(blue(here) - blue(above));
      const int light = std::max(40, 256 - change * strength / 64);
      Rgba& p = layer.row(y)[x];
      p = (scaled(p, static_cast<std::uint32_t>(light)) & 0x00ffffffu) | (p & 0xff000000u);
    }
  }
}

/// Few lightnesses in place of many.
void posterise(Layer& layer, int levels) {
  const int step = 256 / levels;
  for (Rgba& p : layer.pixels) {
    const auto part = [&](int value) { return std::min(value / step * step + step / 2, alpha(p)); };
    p = make_rgba(part(red(p)), part(green(p)), part(blue(p)), alpha(p));
  }
}

/// From one lightness to another across the drawing, with grain.
void shade(Layer& layer, float from, float to, bool downwards, float grain, Stream& stream) {
  for (int y = 0; y < layer.height; ++y) {
    for (int x = 0; x < layer.width; ++x) {
      Rgba& p = layer.row(y)[x];
      const float part = downwards ? static_cast<float>(y) / static_cast<float>(layer.height)
                                   : static_cast<float>(x) / static_cast<float>(layer.width);
      float light = from + (to - from) * part;
      if (grain > 0) light += grain * (static_cast<float>(stream.next() >> 16) / 32768.0f - 1);
      const auto lit = [&](int value) {
        return std::min(std::max(0, round_to_int(static_cast<float>(value) * light)), alpha(p));
      };
      p = make_rgba(lit(red(p)), lit(green(p)), lit(blue(p)), alpha(p));
    }
  }
}

}  // namespace

Layer restyle(const Layer& drawing, Stream& stream) {
  // All draws first, as far as their number is known: which steps are taken does not change the others.
  const bool bends = stream.chance(0.8), simplifies = stream.chance(0.35), posterises = stream.chance(0.25),
             lines = stream.chance(0.3), turns = stream.chance(0.3), shades = stream.chance(0.5),
             grains = stream.chance(0.25), downwards = stream.chance(0.5), outlines = stream.chance(0.25);
  const int cells = stream.between(4, 12), weight = stream.between(120, 256), levels = stream.between(2, 5),
            strength = stream.between(32, 160), turn = stream.between(1, 1535);
  const float from = stream.uniform(0.55f, 1.35f), to = stream.uniform(0.55f, 1.35f),
              grain = stream.uniform(0.05f, 0.3f);
  Layer out = bends ? bent(drawing, stream) : drawing;
  if (turns) turn_hue(out, turn);
  if (simplifies) simplify(out, cells, static_cast<std::uint32_t>(weight));
  if (posterises) posterise(out, levels);
  if (lines) draw_lines(out, strength);
  if (shades || grains) shade(out, shades ? from : 1, shades ? to : 1, downwards, grains ? grain : 0, stream);
  if (outlines)
    out =
        outlined(out, std::max(1, std::max(out.width, out.height) * strength / 6000), make_rgba(20, 20, 20));
  return out;
}

}  // namespace moonbeam::data
