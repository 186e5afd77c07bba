// Captions of a scene in three lengths, from the truth alone.
#pragma once

#include <moonbeam/types.h>

#include <string>
#include <vector>

#include "data/scenes/labels.h"
#include "data/scenes/random.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

/// Equal things of a scene, which a caption names together.
struct CaptionGroup {
  int label = 0;
  std::optional<Colour> colour;  ///< of shapes; of things too where asked for
  std::vector<int> objects;      ///< from left to right
};
/// From left to right by each group's leftmost centre.
std::vector<CaptionGroup> caption_groups(const Scene& scene, const LabelTable& labels, bool thing_colours);

/// Short: "A dog and 3 cups." Normal says where single things are: "A dog on the left and 3 cups." Long has a
/// sentence for each group with size, colour and place, the number of objects and the background. Things
/// stand from left to right. One of 14 frames goes round the words, the plain one in two of five captions.
std::string caption(const Scene& scene, const LabelTable& labels, CaptionLength length, Stream& stream);

/// "on the left", "in the middle" or "on the right": thirds with their borders at 0.36 and 0.64.
std::string_view place_across(double x);
/// "at the top left", "at the top", ..., "in the middle".
std::string place(double x, double y);

}  // namespace moonbeam::data
