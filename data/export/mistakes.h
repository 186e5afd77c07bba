// The mistakes that annotators make, for noisy sets: what was changed is known, so that a pipeline's
// precision and recall can be measured (data.md 8.1).
#pragma once

#include <string>
#include <vector>

#include "data/scenes/absent.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

struct BoxRow {
  int object = -1;  ///< of the scene; -1: there is nothing
  int label = 0;
  PixelBox box;
  std::string mistake;  ///< "phantom", "wrong class"; "": none
};
std::vector<BoxRow> true_boxes(const Scene& scene);
/// Of a hundred objects 3 have no box, 2 are called something else, and 2 boxes of at most 5 pixels are
/// round nothing.
std::vector<BoxRow> mistaken_boxes(const Scene& scene, const AskedThings& things);

}  // namespace moonbeam::data
