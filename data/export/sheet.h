// A contact sheet for human eyes: scenes with the boxes of their truth, and a question under each.
#pragma once

#include <moonbeam/image.h>

#include <vector>

#include "data/scenes/questions.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

struct SheetCell {
  Scene scene;
  std::vector<Question> questions;  ///< one of them is written below, another kind in each cell
};

/// Rows of `columns` scenes of one size.
Image contact_sheet(const std::vector<SheetCell>& cells, const LabelTable& labels, int columns = 5);

}  // namespace moonbeam::data
