#include "data/scenes/polygon.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "data/scenes/maths.h"

namespace moonbeam::data {

namespace {

constexpr int kSubrows = 4;             // scan lines a pixel row
constexpr int kUnits = 256;             // of a pixel, horizontally
constexpr int kShare = 256 / kSubrows;  // coverage that one scan line gives a pixel

/// Adds the span [from, to), in units of 1/256 pixel, to the coverage of a row.
void add_span(int from, int to, std::vector<int>& coverage) {
  const int limit = static_cast<int>(coverage.size()) * kUnits;
  from = std::clamp(from, 0, limit);
  to = std::clamp(to, 0, limit);
  if (to <= from) return;
  const int first = from / kUnits, last = (to - 1) / kUnits;
  const auto add = [&](int x, int units) {
    coverage[static_cast<std::size_t>(x)] += units * kShare / kUnits;
  };
  if (first == last) {
    add(first, to - from);
    return;
  }
  add(first, (first + 1) * kUnits - from);
  for (int x = first + 1; x < last; ++x) coverage[static_cast<std::size_t>(x)] += kShare;
  add(last, to - last * kUnits);
}

}  // namespace

void fill_polygon(std::span<const Vertex> polygon, Rgba colour, Layer& layer) {
  float top = polygon[0].y, bottom = top;
  for (const Vertex& v : polygon) {
    top = std::min(top, v.y);
    bottom = std::max(bottom, v.y);
  }
  const int first = std::max(0, static_cast<int>(std::floor(top)));
  const int last = std::min(layer.height - 1, static_cast<int>(std::floor(bottom)));
  std::vector<int> coverage(static_cast<std::size_t>(layer.width));
  std::vector<int> crossings;
  for (int y = first; y <= last; ++y) {
    std::fill(coverage.begin(), coverage.end(), 0);
    for (int sub = 0; sub < kSubrows; ++sub) {
      const float scan = static_cast<float>(y) + (static_cast<float>(sub) + 0.5f) / kSubrows;
      crossings.clear();
      for (std::size_t i = 0; i < polygon.size(); ++i) {
        const Vertex& a = polygon[i];
        const Vertex& b = polygon[i + 1 == polygon.size() ? 0 : i + 1];
        if ((a.y <= scan) == (b.y <= scan)) continue;
        const float x = a.x + (scan - a.y) * (b.x - a.x) / (b.y - a.y);
        crossings.push_back(round_to_int(std::clamp(x, -8192.0f, 8192.0f) * kUnits));
      }
      std::sort(crossings.begin(), crossings.end());
      for (std::size_t i = 0; i + 1 < crossings.size(); i += 2)
        add_span(crossings[i], crossings[i + 1], coverage);
    }
    Rgba* row = layer.row(y);
    for (int x = 0; x < layer.width; ++x) {
      const int c = coverage[static_cast<std::size_t>(x)];
      if (c > 0) row[x] = over(scaled(colour, static_cast<std::uint32_t>(std::min(c, 256))), row[x]);
    }
  }
}

void fill_line(Vertex from, Vertex to, float width, Rgba colour, Layer& layer) {
  const float dx = to.x - from.x, dy = to.y - from.y;
  const float length = std::max(std::sqrt(dx * dx + dy * dy), 1e-3f);
  const float nx = -dy / length * width * 0.5f, ny = dx / length * width * 0.5f;
  const std::array<Vertex, 4> corners = {Vertex{from.x + nx, from.y + ny}, Vertex{to.x + nx, to.y + ny},
                                         Vertex{to.x - nx, to.y - ny}, Vertex{from.x - nx, from.y - ny}};
  fill_polygon(corners, colour, layer);
}

}  // namespace moonbeam::data
