// The member `segmentation` of COCO's annotations: outlines, runs, or runs as a string.
#pragma once

#include "data/formats/coco.h"
#include "data/formats/json_row.h"

namespace moonbeam::data {

/// None where it is absent or empty. @throws RecordError kBadMask.
CocoMask coco_mask_of(const JsonRow& row);

}  // namespace moonbeam::data
