#include "data/scenes/background.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "data/scenes/colours.h"
#include "data/scenes/maths.h"
#include "data/scenes/polygon.h"
#include "image/resize.h"

namespace moonbeam::data {

namespace {

using Rgb = std::array<float, 3>;

/// A colour as walls, floors, skies and meadows have: seldom vivid.
Rgb draw_base_colour(Stream& stream) {
  const float value = stream.uniform(40, 250);
  const float saturation = stream.uniform() * stream.uniform();  // most are pale
  Rgb colour;
  for (float& c : colour) c = value * (1 - saturation * stream.uniform());
  return colour;
}

Rgb near_colour(const Rgb& colour, float range, Stream& stream) {
  Rgb out;
  for (std::size_t c = 0; c < 3; ++c)
    out[c] = std::clamp(colour[c] + stream.uniform(-range, range), 0.0f, 255.0f);
  return out;
}

/// Rows of three planes of floats: what a texture is summed up in.
struct Row {
  std::vector<float> planes;
  int width;
  explicit Row(int w) : planes(static_cast<std::size_t>(3 * w)), width(w) {}
  float* plane(int c) { return planes.data() + static_cast<std::size_t>(c * width); }
};

/// 1-3 x 1-3 colours, bicubic between them (Catmull-Rom, edges repeated).
class ColourGrid {
 public:
  ColourGrid(int width, int height, Stream& stream)
      : columns_(stream.between(1, 3)), rows_(stream.between(1, 3)) {
    const Rgb base = draw_base_colour(stream);
    const float range = stream.uniform(0, 90);
    const bool related = stream.chance(0.65);
    for (int i = 0; i < columns_ * rows_; ++i) {
      colours_.push_back(related ? near_colour(base, range, stream) : draw_base_colour(stream));
    }
    weights_x_ = weights(columns_, width);
    weights_y_ = weights(rows_, height);
    width_ = width;
    height_ = height;
  }
  bool flat() const { return columns_ * rows_ == 1; }

  void fill(int y, Row& row) const {
    for (int c = 0; c < 3; ++c) {
      float* out = row.plane(c);
      std::fill(out, out + width_, 0.0f);
      for (int column = 0; column < columns_; ++column) {
        float at_row = 0;
        for (int r = 0; r < rows_; ++r) {
          at_row += weights_y_[static_cast<std::size_t>(r * height_ + y)] *
                    colours_[static_cast<std::size_t>(r * columns_ + column)][static_cast<std::size_t>(c)];
        }
        const float* weight = &weights_x_[static_cast<std::size_t>(column * width_)];
        for (int x = 0; x < width_; ++x) out[x] += at_row * weight[x];
      }
    }
  }

 private:
  /// [cells, size]: how much each cell counts at each place.
  static std::vector<float> weights(int cells, int size) {
    std::vector<float> out(static_cast<std::size_t>(cells * size));
    for (int i = 0; i < size; ++i) {
      const float at =
          (static_cast<float>(i) + 0.5f) / static_cast<float>(size) * static_cast<float>(cells) - 0.5f;
      const int first = static_cast<int>(std::floor(at));
      const float t = at - static_cast<float>(first), tt = t * t, ttt = tt * t;
      const float taps[4] = {-0.5f * ttt + tt - 0.5f * t, 1.5f * ttt - 2.5f * tt + 1,
                             -1.5f * ttt + 2 * tt + 0.5f * t, 0.5f * ttt - 0.5f * tt};
      for (int k = 0; k < 4; ++k) {
        const int cell = std::clamp(first - 1 + k, 0, cells - 1);
        out[static_cast<std::size_t>(cell * size + i)] += taps[k];
      }
    }
    return out;
  }

  int columns_, rows_, width_ = 0, height_ = 0;
  std::vector<Rgb> colours_;
  std::vector<float> weights_x_, weights_y_;
};

/// Random values on a grid, smooth between them.
class Noise {
 public:
  Noise(int width, int height, int cells_x, int cells_y, float amplitude, Stream& stream)
      : columns_(cells_x + 2), width_(width) {
    values_.resize(static_cast<std::size_t>(columns_ * (cells_y + 2)));
    for (std::size_t i = 0; i < values_.size(); i += 4) {  // eight bits each are enough
      const std::uint32_t bits = stream.next();
      for (std::size_t k = 0; k < 4 && i + k < values_.size(); ++k) {
        values_[i + k] = (static_cast<float>(bits >> (8 * k) & 255) - 127.5f) * (amplitude / 127.5f);
      }
    }
    step_y_ = static_cast<float>(cells_y) / static_cast<float>(height);
    cell_.resize(static_cast<std::size_t>(width));
    part_.resize(static_cast<std::size_t>(width));
    const float step_x = static_cast<float>(cells_x) / static_cast<float>(width);
    for (int x = 0; x < width; ++x) {
      const float at = (static_cast<float>(x) + 0.5f) * step_x;
      cell_[static_cast<std::size_t>(x)] = static_cast<std::uint16_t>(at);
      part_[static_cast<std::size_t>(x)] = eased(at - std::floor(at));
    }
    for (int c = 0; c < 3; ++c) tint_[static_cast<std::size_t>(c)] = 1;
    if (stream.chance(0.4)) {
      for (float& t : tint_) t = stream.uniform(0.3f, 1);
    }
    line_.resize(static_cast<std::size_t>(columns_));
    sum_.resize(static_cast<std::size_t>(width));
  }

  void add(int y, Row& row) {
    const float at = (static_cast<float>(y) + 0.5f) * step_y_;
    const int first = static_cast<int>(at);
    const float part = eased(at - static_cast<float>(first));
    const float* above = &values_[static_cast<std::size_t>(first * columns_)];
    const float* below = above + columns_;
    for (int i = 0; i < columns_; ++i) {
      line_[static_cast<std::size_t>(i)] = above[i] + (below[i] - above[i]) * part;
    }
    for (std::size_t x = 0; x < static_cast<std::size_t>(width_); ++x) {
      const float* pair = &line_[cell_[x]];
      sum_[x] = pair[0] + (pair[1] - pair[0]) * part_[x];
    }
    for (int c = 0; c < 3; ++c) {
      float* out = row.plane(c);
      const float tint = tint_[static_cast<std::size_t>(c)];
      for (std::size_t x = 0; x < static_cast<std::size_t>(width_); ++x) out[x] += sum_[x] * tint;
    }
  }

 private:
  static float eased(float t) { return t * t * (3 - 2 * t); }

  int columns_, width_;
  float step_y_ = 0;
  std::vector<float> values_, part_, line_, sum_;
  std::vector<std::uint16_t> cell_;
  Rgb tint_;
};

/// Stripes of one colour, straight, at any angle.
class Stripes {
 public:
  Stripes(int width, int height, Stream& stream) : colour_(draw_base_colour(stream)) {
    const float turns = stream.chance(0.6) ? 0.25f * static_cast<float>(stream.below(2)) : stream.uniform();
    const float period = static_cast<float>(std::min(width, height)) / stream.uniform(4, 16);
    step_x_ = cos_turn(turns) / period;
    step_y_ = sin_turn(turns) / period;
    share_ = stream.uniform(0.2f, 0.6f);
    soft_ = 1.2f / period;
    strength_ = stream.uniform(0.35f, 1);
  }
  void add(int y, Row& row) const {
    for (int x = 0; x < row.width; ++x) {
      const float at = static_cast<float>(x) * step_x_ + static_cast<float>(y) * step_y_ + 1000;
      const float phase = at - static_cast<float>(static_cast<int>(at));
      const float inside = std::min(phase, share_ - phase) / soft_ + 0.5f;
      const float weight = std::clamp(inside, 0.0f, 1.0f) * strength_;
      for (int c = 0; c < 3; ++c) {
        float& value = row.plane(c)[x];
        value += (colour_[static_cast<std::size_t>(c)] - value) * weight;
      }
    }
  }

 private:
  Rgb colour_;
  float step_x_, step_y_, share_, soft_, strength_;
};

/// Colours, and what is on them.
struct Texture {
  ColourGrid colours;
  std::vector<Stripes> stripes;
  std::vector<Noise> noise;
  float loudest = 0;

  Texture(int width, int height, float clutter, float zoom, Stream& stream) : colours(width, height, stream) {
    if (stream.chance(0.12 * static_cast<double>(clutter))) stripes.emplace_back(width, height, stream);
    if (!stream.chance(0.7 * static_cast<double>(clutter))) return;
    static constexpr int kGrids[] = {4, 8, 16, 35, 70, 140};
    const int octaves = stream.between(1, 3);
    for (int i = 0; i < octaves; ++i) {
      int cells_x = kGrids[stream.below(6)], cells_y = cells_x;
      if (stream.chance(0.4)) (stream.chance(0.5) ? cells_x : cells_y) = kGrids[stream.below(3)];
      const float amplitude = stream.uniform(8, 70) * (0.4f + 0.6f * clutter) / static_cast<float>(1 + i);
      loudest = std::max(loudest, amplitude);
      const auto cells = [zoom](int count, int most) {
        return std::clamp(round_to_int(static_cast<float>(count) * zoom), 1, most);
      };
      noise.emplace_back(width, height, cells(cells_x, width), cells(cells_y, height), amplitude, stream);
    }
  }

  void fill(int y, Row& row) {
    colours.fill(y, row);
    for (const Stripes& one : stripes) one.add(y, row);
    for (Noise& one : noise) one.add(y, row);
  }
};

/// A line from left to right, bent.
struct Horizon {
  float left, bend, right;
  Horizon(int height, Stream& stream) {
    const auto h = static_cast<float>(height);
    left = stream.uniform(0.2f, 0.85f) * h;
    right = left + stream.uniform(-0.2f, 0.2f) * h;
    bend = stream.uniform(-0.15f, 0.15f) * h;
  }
  float at(float t) const { return left + (right - left) * t + 4 * bend * t * (1 - t); }
};

void write_row(Row& row, int from, const std::vector<float>* edge, int y, Rgba* out) {
  const float* r = row.plane(0);
  const float* g = row.plane(1);
  const float* b = row.plane(2);
  const auto byte = [](float v) { return static_cast<int>(std::min(std::max(v + 0.5f, 0.0f), 255.0f)); };
  if (edge == nullptr) {
    for (int x = from; x < row.width; ++x) out[x] = make_rgba(byte(r[x]), byte(g[x]), byte(b[x]));
    return;
  }
  for (int x = from; x < row.width; ++x) {
    const float below = static_cast<float>(y + 1) - (*edge)[static_cast<std::size_t>(x)];
    if (below <= 0) continue;
    const Rgba p = make_rgba(byte(r[x]), byte(g[x]), byte(b[x]));
    const auto weight = static_cast<std::uint32_t>(std::min(below, 1.0f) * 256);
    out[x] = weight == 256 ? p : over(scaled(p, weight), out[x]);
  }
}

void draw_clutter(Layer& canvas, float clutter, Stream& stream) {
  const auto width = static_cast<float>(canvas.width), height = static_cast<float>(canvas.height);
  const float side = std::min(width, height);
  const int count = std::max(1, round_to_int(static_cast<float>(stream.between(2, 14)) * clutter));
  for (int i = 0; i < count; ++i) {
    const Rgb c = draw_base_colour(stream);
    const Rgba colour =
        scaled(make_rgba(static_cast<int>(c[0]), static_cast<int>(c[1]), static_cast<int>(c[2])),
               static_cast<std::uint32_t>(stream.between(40, 200)));
    const Vertex at = {stream.uniform(0, width), stream.uniform(0, height)};
    const float turns = stream.uniform(), size = side * stream.uniform(0.04f, 0.3f);
    if (stream.chance(0.5)) {
      const float reach = side * stream.uniform(0.1f, 1.2f), thick = stream.uniform(0.8f, 0.03f * side);
      fill_line(at, {at.x + reach * cos_turn(turns), at.y + reach * sin_turn(turns)}, thick, colour, canvas);
      continue;
    }
    // 5 to 8 corners at uneven angles and distances: like none of the listed shapes.
    std::vector<Vertex> corners(5 + stream.below(4));
    for (std::size_t k = 0; k < corners.size(); ++k) {
      const float angle = turns + (static_cast<float>(k) + stream.uniform(-0.35f, 0.35f)) /
                                      static_cast<float>(corners.size());
      const float reach = size * stream.uniform(0.35f, 1);
      corners[k] = {at.x + reach * cos_turn(angle), at.y + reach * sin_turn(angle)};
    }
    fill_polygon(corners, colour, canvas);
  }
}

}  // namespace

Background draw_background(int width, int height, float clutter, float zoom, Stream& stream) {
  Background out;
  out.canvas = Layer(width, height);
  Texture texture(width, height, clutter, zoom, stream);
  Row row(width);
  for (int y = 0; y < height; ++y) {
    texture.fill(y, row);
    write_row(row, 0, nullptr, y, out.canvas.row(y));
  }
  const bool horizon = stream.chance(0.4 * static_cast<double>(clutter));
  if (horizon) {
    const Horizon line(height, stream);
    Texture ground(width, height, clutter, zoom, stream);
    std::vector<float> edge(static_cast<std::size_t>(width));
    for (int x = 0; x < width; ++x) {
      edge[static_cast<std::size_t>(x)] = line.at((static_cast<float>(x) + 0.5f) / static_cast<float>(width));
    }
    const float highest = *std::min_element(edge.begin(), edge.end());
    for (int y = std::clamp(static_cast<int>(std::floor(highest)) - 1, 0, height); y < height; ++y) {
      ground.fill(y, row);
      write_row(row, 0, &edge, y, out.canvas.row(y));
    }
  }
  const bool cluttered = stream.chance(0.4 * static_cast<double>(clutter));
  if (cluttered) draw_clutter(out.canvas, clutter, stream);
  if (!horizon && !cluttered) {
    out.word = !texture.stripes.empty() ? "striped"
               : texture.noise.empty()  ? "plain"
               : texture.loudest > 25   ? "textured"
                                        : "";
  }
  return out;
}

Background draw_wall(const Image& wall, int width, int height, Stream& stream) {
  const float fit = std::min(static_cast<float>(wall.width) / static_cast<float>(width),
                             static_cast<float>(wall.height) / static_cast<float>(height)) *
                    stream.uniform(0.35f, 1);
  const auto part = [fit](int side, int most) {
    return std::clamp(static_cast<int>(static_cast<float>(side) * fit), 1, most);
  };
  Image cut{part(height, wall.height), part(width, wall.width), {}};
  const int left = stream.between(0, wall.width - cut.width),
            top = stream.between(0, wall.height - cut.height);
  const bool mirror = stream.chance(0.5);
  for (int y = 0; y < cut.height; ++y) {
    const std::uint8_t* row =
        wall.pixels.data() + (static_cast<std::size_t>(top + y) * wall.width + left) * 3;
    cut.pixels.insert(cut.pixels.end(), row, row + cut.width * 3);
  }
  const Image fitted = image::resize_bicubic(cut, height, width);
  Background out;
  out.canvas = Layer(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::uint8_t* p = fitted.pixels.data() + (static_cast<std::size_t>(y) * width + x) * 3;
      out.canvas.row(y)[mirror ? width - 1 - x : x] = make_rgba(p[0], p[1], p[2]);
    }
  }
  return out;
}

}  // namespace moonbeam::data
