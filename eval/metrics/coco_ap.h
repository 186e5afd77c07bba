// Average precision and recall as COCO computes them, and Moondream's score per picture and class
// (data.md 3.8).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <moonbeam/types.h>

namespace moonbeam::eval {

/// Boxes in pixels: x, y, width, height.
using PixelBox = std::array<double, 4>;

struct GoldBox {
  std::int64_t picture = 0, category = 0;
  PixelBox box{};
  double area = 0;  ///< of the mask
  bool crowd = false;
};

struct DetectedBox {
  std::int64_t picture = 0, category = 0;
  PixelBox box{};
  double score = 1;
};

/// -1 where there is nothing to find.
struct CocoScores {
  double ap = -1, ap50 = -1, ap75 = -1, ap_small = -1, ap_medium = -1, ap_large = -1;
  double ar1 = -1, ar10 = -1, ar100 = -1, ar_small = -1, ar_medium = -1, ar_large = -1;
};
CocoScores coco_scores(std::span<const GoldBox> gold, std::span<const DetectedBox> detections);

/// Mean over (picture, class that is in it) of the 11-point AP at IoU 0.5, all boxes of equal score: it never
/// asks for what is absent, so it belongs beside the share of absent classes for which a box is given.
double moondream_map(std::span<const GoldBox> gold, std::span<const DetectedBox> detections);

/// One box for a phrase: IoU of 0.5 at least with the first that is given; none is wrong.
bool refcoco_correct(std::span<const Box> given, const Box& gold);

}  // namespace moonbeam::eval
