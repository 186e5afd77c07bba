// Points against masks or boxes, and NaturalBench's four accuracies (data.md 3.9).
#pragma once

#include <moonbeam/types.h>

#include <array>
#include <functional>
#include <span>
#include <vector>

namespace moonbeam::eval {

/// A thing that is pointed at: its own point, and whether another lies on it.
struct PointTarget {
  Point centre;
  std::function<bool(const Point&)> holds;
};
PointTarget box_target(const Box& box);  ///< borders count

struct PointScore {
  double precision = 0, recall = 0, f1 = 0;
};
/// PixMo's: points and targets are paired so that the distances in all are least; a pair counts where the
/// point lies on its target. Nothing to find: 1 if nothing is given, else 0.
PointScore multi_point(std::span<const Point> given, std::span<const PointTarget> targets);

/// PointBench's: the first point lies on a target; where things are counted, all do and their number is
/// right.
bool strict_point(std::span<const Point> given, std::span<const PointTarget> targets, bool counting);

/// Cheapest assignment of each row to a column of its own. @param cost  [rows, columns], rows <= columns
std::vector<int> cheapest_assignment(const std::vector<double>& cost, int rows, int columns);

/// Of NaturalBench's groups: correct[question][picture].
struct NaturalScores {
  double accuracy = 0, question = 0, picture = 0, group = 0;
};
NaturalScores natural_scores(std::span<const std::array<std::array<bool, 2>, 2>> groups);

}  // namespace moonbeam::eval
