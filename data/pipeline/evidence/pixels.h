// Which of the eleven colour terms the thing in a box has, from its pixels: clusters in Lab, without those
// that are the box's surroundings too. A weak check: shadows, patterns and what stands in front of a thing
// make it say nothing.
#pragma once

#include <moonbeam/image.h>

#include <string>
#include <vector>

#include "data/pipeline/record/record.h"

namespace moonbeam::pipeline {

struct BoxColours {
  std::string main;               ///< of most of it; empty: not clear
  std::vector<std::string> some;  ///< of a part that can be seen: what is none of them is not its colour
};
BoxColours colours_in(const Image& image, const Box& box);

}  // namespace moonbeam::pipeline
