// What lies behind the objects: colours that run into each other, textures, a horizon, clutter.
#pragma once

#include <string>

#include "data/scenes/layer.h"
#include "data/scenes/random.h"

namespace moonbeam::data {

struct Background {
  Layer canvas;      ///< opaque
  std::string word;  ///< "plain", "striped", "textured"; empty: none fits
};

/// `clutter` 0: colours alone; 1: everything. `zoom` is the part of a scene's side that the canvas shows:
/// textures of a window are as coarse as those of a whole scene.
Background draw_background(int width, int height, float clutter, float zoom, Stream& stream);

/// A part of a picture, 0.35 to 1 of what fits.
Background draw_wall(const Image& wall, int width, int height, Stream& stream);

}  // namespace moonbeam::data
