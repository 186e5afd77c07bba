#include "eval/metrics/boxes.h"

#include <algorithm>
#include <vector>

namespace moonbeam::eval {

namespace {

double area(const Box& box) {
  return std::max(0.0, box.x_max - box.x_min) * std::max(0.0, box.y_max - box.y_min);
}

double common(const Box& a, const Box& b) {
  return area({std::max(a.x_min, b.x_min), std::max(a.y_min, b.y_min), std::min(a.x_max, b.x_max),
               std::min(a.y_max, b.y_max)});
}

bool inside(const Point& point, const Box& box) {
  return point.x >= box.x_min && point.x <= box.x_max && point.y >= box.y_min && point.y <= box.y_max;
}

/// Augmenting paths over points: taken[p] is the box that point p stands for.
bool assign(std::size_t box, const std::vector<std::vector<std::size_t>>& points_in, std::vector<int>& taken,
            std::vector<bool>& tried) {
  for (const std::size_t point : points_in[box]) {
    if (tried[point]) continue;
    tried[point] = true;
    if (taken[point] < 0 || assign(static_cast<std::size_t>(taken[point]), points_in, taken, tried)) {
      taken[point] = static_cast<int>(box);
      return true;
    }
  }
  return false;
}

}  // namespace

double iou(const Box& a, const Box& b) {
  const double both = common(a, b), all = area(a) + area(b) - both;
  return all > 0 ? both / all : 0;
}

double iou_crowd(const Box& detection, const Box& crowd) {
  const double own = area(detection);
  return own > 0 ? common(detection, crowd) / own : 0;
}

Matches match_boxes(std::span<const Box> found, std::span<const Box> truth, double threshold) {
  struct Pair {
    double iou;
    std::size_t found, truth;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (std::size_t j = 0; j < truth.size(); ++j) {
      const double value = iou(found[i], truth[j]);
      if (value >= threshold) pairs.push_back({value, i, j});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.iou > b.iou; });
  std::vector<bool> found_used(found.size()), truth_used(truth.size());
  Matches matches{0, static_cast<int>(found.size()), static_cast<int>(truth.size())};
  for (const Pair& pair : pairs) {
    if (found_used[pair.found] || truth_used[pair.truth]) continue;
    found_used[pair.found] = truth_used[pair.truth] = true;
    ++matches.hits;
  }
  return matches;
}

Matches match_points(std::span<const Point> found, std::span<const Box> truth) {
  std::vector<std::vector<std::size_t>> points_in(truth.size());
  for (std::size_t j = 0; j < truth.size(); ++j) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (inside(found[i], truth[j])) points_in[j].push_back(i);
    }
  }
  std::vector<int> taken(found.size(), -1);
  Matches matches{0, static_cast<int>(found.size()), static_cast<int>(truth.size())};
  for (std::size_t j = 0; j < truth.size(); ++j) {
    std::vector<bool> tried(found.size());
    matches.hits += assign(j, points_in, taken, tried);
  }
  return matches;
}

}  // namespace moonbeam::eval
