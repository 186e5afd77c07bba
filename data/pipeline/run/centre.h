// Where to point at in a mask.
#pragma once

#include <optional>
#include <vector>

#include "data/formats/coco.h"

namespace moonbeam::pipeline {

struct MaskFacts {
  std::vector<double> centre;  ///< x, y in pixels; empty where there is no mask
  double area = 0;             ///< pixels
};

/// The pole of inaccessibility, the pixel furthest from the mask's border (steps along rows and columns), and
/// the first such one by rows; of a picture of this size. @throws Error kCorrupt.
MaskFacts mask_facts(const data::CocoMask& mask, int height, int width);

}  // namespace moonbeam::pipeline
