// Makes a clean picture look as if a cheap camera had taken it.
#pragma once

#include <moonbeam/image.h>

#include "data/scenes/random.h"

namespace moonbeam::data {

/// Resampling 20 %, gamma, noise, JPEG 50 %. The JPEG step's bytes are those of libjpeg-turbo's exact integer
/// transform, the same for all its releases so far; everything else is ours.
Image degrade(Image image, Stream& stream);

}  // namespace moonbeam::data
