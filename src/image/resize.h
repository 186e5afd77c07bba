// Resampling as Pillow 10.4 does it, to the bit: 8-bit between the passes, horizontal pass first.
#pragma once

#include <moonbeam/image.h>

namespace moonbeam::image {

enum class Filter {
  kLanczos,  ///< three lobes
  kBicubic,  ///< a = -0.5
};

/// Extra memory is one band of rows and the weights: bounded by the sizes, not by their product.
/// @throws Error kInvalidArgument (a side below 1), kExhausted.
Image resize(const Image& image, int height, int width, Filter filter);

inline Image resize_lanczos(const Image& image, int height, int width) {
  return resize(image, height, width, Filter::kLanczos);
}
inline Image resize_bicubic(const Image& image, int height, int width) {
  return resize(image, height, width, Filter::kBicubic);
}

/// The same as plain loops over whole pictures: the definition that tests hold resize() against.
Image resize_reference(const Image& image, int height, int width, Filter filter);

}  // namespace moonbeam::image
