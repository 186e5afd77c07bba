// Draws a thing as another hand might have: bent, with other proportions, flatter, in lines, shaded. For
// training: a model that has seen one hand only takes the drawings of another for things that it does not
// know.
#pragma once

#include "data/scenes/layer.h"
#include "data/scenes/random.h"

namespace moonbeam::data {

/// What the drawing shows stays what it is, in any hue. The layer holds all of it but, where it is bent and
/// leans far, the tip of a corner.
Layer restyle(const Layer& drawing, Stream& stream);

}  // namespace moonbeam::data
