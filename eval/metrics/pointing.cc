#include "eval/metrics/pointing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moonbeam::eval {

PointTarget box_target(const Box& box) {
  return {{(box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2}, [box](const Point& point) {
            return point.x >= box.x_min && point.x <= box.x_max && point.y >= box.y_min &&
                   point.y <= box.y_max;
          }};
}

/// The Hungarian method with potentials, a row at a time; index 0 of columns stands for none.
std::vector<int> cheapest_assignment(const std::vector<double>& cost, int rows, int columns) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  std::vector<double> of_row(rows + 1, 0.0), of_column(columns + 1, 0.0);
  std::vector<int> row_of(columns + 1, 0), from(columns + 1, 0);
  for (int row = 1; row <= rows; ++row) {
    row_of[0] = row;
    int column = 0;
    std::vector<double> least(columns + 1, kFar);
    std::vector<bool> seen(columns + 1, false);
    do {
      seen[column] = true;
      const int own = row_of[column];
      double step = kFar;
      int next = 0;
      for (int j = 1; j <= columns; ++j) {
        if (seen[j]) continue;
        const double reduced =
            cost[static_cast<std::size_t>(own - 1) * columns + (j - 1)] - of_row[own] - of_column[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          from[j] = column;
        }
        if (least[j] < step) {
          step = least[j];
          next = j;
        }
      }
      for (int j = 0; j <= columns; ++j) {
        if (seen[j]) {
          of_row[row_of[j]] += step;
          of_column[j] -= step;
        } else {
          least[j] -= step;
        }
      }
      column = next;
    } while (row_of[column] != 0);
    while (column != 0) {
      row_of[column] = row_of[from[column]];
      column = from[column];
    }
  }
  std::vector<int> out(rows, -1);
  for (int j = 1; j <= columns; ++j) {
    if (row_of[j] > 0) out[row_of[j] - 1] = j - 1;
  }
  return out;
}

PointScore multi_point(std::span<const Point> given, std::span<const PointTarget> targets) {
  if (targets.empty()) return given.empty() ? PointScore{1, 1, 1} : PointScore{};
  if (given.empty()) return {};
  const bool turned = given.size() > targets.size();
  const auto rows = static_cast<int>(turned ? targets.size() : given.size());
  const auto columns = static_cast<int>(turned ? given.size() : targets.size());
  std::vector<double> cost;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      const Point& point = given[static_cast<std::size_t>(turned ? j : i)];
      const Point& centre = targets[static_cast<std::size_t>(turned ? i : j)].centre;
      cost.push_back(std::hypot(point.x - centre.x, point.y - centre.y));
    }
  }
  const std::vector<int> columns_of = cheapest_assignment(cost, rows, columns);
  double hits = 0;
  for (int i = 0; i < rows; ++i) {
    const auto j = static_cast<std::size_t>(columns_of[static_cast<std::size_t>(i)]);
    const std::size_t point = turned ? j : static_cast<std::size_t>(i),
                      target = turned ? static_cast<std::size_t>(i) : j;
    hits += targets[target].holds(given[point]);
  }
  PointScore out{hits / static_cast<double>(given.size()), hits / static_cast<double>(targets.size()), 0};
  if (hits > 0) out.f1 = 2 * out.precision * out.recall / (out.precision + out.recall);
  return out;
}

bool strict_point(std::span<const Point> given, std::span<const PointTarget> targets, bool counting) {
  const auto on_target = [&](const Point& point) {
    return std::any_of(targets.begin(), targets.end(),
                       [&](const PointTarget& one) { return one.holds(point); });
  };
  if (given.empty()) return counting && targets.empty();
  if (!counting) return on_target(given[0]);
  return given.size() == targets.size() && std::all_of(given.begin(), given.end(), on_target);
}

NaturalScores natural_scores(std::span<const std::array<std::array<bool, 2>, 2>> groups) {
  NaturalScores out;
  if (groups.empty()) return out;
  for (const auto& one : groups) {
    const auto& [first, second] = one;
    out.accuracy += (first[0] + first[1] + second[0] + second[1]) / 4.0;
    out.question += ((first[0] && first[1]) + (second[0] && second[1])) / 2.0;
    out.picture += ((first[0] && second[0]) + (first[1] && second[1])) / 2.0;
    out.group += first[0] && first[1] && second[0] && second[1];
  }
  const auto count = static_cast<double>(groups.size());
  out.accuracy /= count;
  out.question /= count;
  out.picture /= count;
  out.group /= count;
  return out;
}

}  // namespace moonbeam::eval
