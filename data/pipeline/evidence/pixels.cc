#include "data/pipeline/evidence/pixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "data/scenes/colours.h"

namespace moonbeam::pipeline {

namespace {

constexpr int kGrid = 40;  // samples along a side
constexpr std::size_t kClusters = 6;
constexpr int kRounds = 8;
constexpr double kSameColour = 14;    // distance in Lab
constexpr double kSurrounding = 0.2;  // of the ring's pixels: then a cluster is background
constexpr double kLeast = 0.12;       // of the box's pixels that are the thing: below it nothing is said
constexpr double kMain = 0.6, kSecond = 0.25, kSome = 0.06;  // of the thing's pixels

using Lab = std::array<double, 3>;
struct Sample {
  std::array<int, 3> rgb;
  Lab lab;
};

double linear(int value) {
  static const std::array<double, 256> table = [] {
    std::array<double, 256> out{};
    for (int i = 0; i < 256; ++i) {
      const double x = i / 255.0;
      out[static_cast<std::size_t>(i)] = x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
    }
    return out;
  }();
  return table[static_cast<std::size_t>(value)];
}

/// CIE Lab of sRGB, D65.
Lab lab_of(const std::array<int, 3>& rgb) {
  const double r = linear(rgb[0]), g = linear(rgb[1]), b = linear(rgb[2]);
  const auto f = [](double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; };
  const double x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047),
               y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b),
               z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

double distance(const Lab& a, const Lab& b) {
  return std::sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                   (a[2] - b[2]) * (a[2] - b[2]));
}

Sample sample_at(const Image& image, int x, int y) {
  const auto* pixel = image.pixels.data() + (static_cast<std::size_t>(y) * image.width + x) * 3;
  const std::array<int, 3> rgb = {pixel[0], pixel[1], pixel[2]};
  return {rgb, lab_of(rgb)};
}

struct Pixels {
  int left, top, right, bottom;  // half open
};

std::vector<Sample> inside(const Image& image, const Pixels& box) {
  std::vector<Sample> out;
  const int step_x = std::max(1, (box.right - box.left) / kGrid),
            step_y = std::max(1, (box.bottom - box.top) / kGrid);
  for (int y = box.top; y < box.bottom; y += step_y) {
    for (int x = box.left; x < box.right; x += step_x) out.push_back(sample_at(image, x, y));
  }
  return out;
}

/// Round the box, a tenth of its sides wide.
std::vector<Sample> ring(const Image& image, const Pixels& box) {
  const int wide = std::max(3, (box.right - box.left) / 10), high = std::max(3, (box.bottom - box.top) / 10);
  const Pixels outer = {std::max(0, box.left - wide), std::max(0, box.top - high),
                        std::min(image.width, box.right + wide), std::min(image.height, box.bottom + high)};
  std::vector<Sample> out;
  const int step_x = std::max(1, (outer.right - outer.left) / kGrid),
            step_y = std::max(1, (outer.bottom - outer.top) / kGrid);
  for (int y = outer.top; y < outer.bottom; y += step_y) {
    for (int x = outer.left; x < outer.right; x += step_x) {
      // A pixel's breadth away: edges are mixed colours.
      const bool within = x >= box.left - 1 && x < box.right + 1 && y >= box.top - 1 && y < box.bottom + 1;
      if (!within) out.push_back(sample_at(image, x, y));
    }
  }
  return out;
}

struct Cluster {
  Lab centre{};
  std::vector<std::size_t> members;
};

/// k-means; each first centre is the sample furthest from those before it.
std::vector<Cluster> cluster(const std::vector<Sample>& samples) {
  std::vector<Cluster> out;
  std::vector<double> nearest(samples.size(), 1e9);
  std::size_t next = samples.size() / 2;
  while (out.size() < kClusters && (out.empty() || nearest[next] > kSameColour)) {
    out.push_back({samples[next].lab, {}});
    for (std::size_t i = 0; i < samples.size(); ++i) {
      nearest[i] = std::min(nearest[i], distance(samples[i].lab, out.back().centre));
    }
    next = static_cast<std::size_t>(std::max_element(nearest.begin(), nearest.end()) - nearest.begin());
  }
  for (int round = 0; round < kRounds; ++round) {
    for (Cluster& one : out) one.members.clear();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto best = std::min_element(out.begin(), out.end(), [&](const Cluster& a, const Cluster& b) {
        return distance(samples[i].lab, a.centre) < distance(samples[i].lab, b.centre);
      });
      best->members.push_back(i);
    }
    for (Cluster& one : out) {
      if (one.members.empty()) continue;
      Lab sum{};
      for (const std::size_t i : one.members) {
        for (std::size_t c = 0; c < 3; ++c) sum[c] += samples[i].lab[c];
      }
      for (std::size_t c = 0; c < 3; ++c) one.centre[c] = sum[c] / static_cast<double>(one.members.size());
    }
  }
  return out;
}

}  // namespace

BoxColours colours_in(const Image& image, const Box& box) {
  const auto pixel = [](double at, int side) {
    return std::clamp(static_cast<int>(std::lround(at * side)), 0, side);
  };
  const Pixels area = {pixel(box[0], image.width), pixel(box[1], image.height), pixel(box[2], image.width),
                       pixel(box[3], image.height)};
  if (area.right - area.left < 4 || area.bottom - area.top < 4) return {};
  const std::vector<Sample> samples = inside(image, area), around = ring(image, area);
  std::map<std::string, double> terms;  // "": between two terms
  double thing = 0;
  for (const Cluster& one : cluster(samples)) {
    const auto near = std::count_if(around.begin(), around.end(), [&](const Sample& sample) {
      return distance(sample.lab, one.centre) < kSameColour;
    });
    if (static_cast<double>(near) > kSurrounding * static_cast<double>(around.size())) continue;
    for (const std::size_t i : one.members) {
      const auto& rgb = samples[i].rgb;
      const auto term = data::colour_term(rgb[0], rgb[1], rgb[2]);
      terms[term ? std::string(data::name(*term)) : ""] += 1;
      thing += 1;
    }
  }
  if (thing < kLeast * static_cast<double>(samples.size())) return {};
  BoxColours out;
  std::string best;
  double most = 0, second = 0;
  for (const auto& [term, weight] : terms) {
    if (term.empty()) continue;
    if (weight >= kSome * thing) out.some.push_back(term);
    if (weight > most) {
      second = most, most = weight, best = term;
    } else {
      second = std::max(second, weight);
    }
  }
  if (most >= kMain * thing && second <= kSecond * thing) out.main = best;
  return out;
}

}  // namespace moonbeam::pipeline
