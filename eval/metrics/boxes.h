// Boxes and points against the truth (data.md 2.4, 3.9).
#pragma once

#include <moonbeam/types.h>

#include <span>

namespace moonbeam::eval {

/// Area in common over area of both; 0 where one is empty.
double iou(const Box& a, const Box& b);
/// Against a box round a crowd: area in common over the detection's own.
double iou_crowd(const Box& detection, const Box& crowd);

struct Matches {
  int hits = 0, found = 0, truth = 0;
  double f1() const { return found + truth == 0 ? 1 : 2.0 * hits / (found + truth); }
};

/// Pairs by falling IoU, each box once; a pair counts from `threshold` on.
Matches match_boxes(std::span<const Box> found, std::span<const Box> truth, double threshold = 0.5);

/// Boxes with a point inside (borders count), each point for one box, the largest number of pairs.
Matches match_points(std::span<const Point> found, std::span<const Box> truth);

}  // namespace moonbeam::eval
