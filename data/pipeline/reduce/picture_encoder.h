// Pictures as vectors. The model is not this folder's: whoever runs a reduction brings the encoder.
#pragma once

#include <moonbeam/image.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace moonbeam::pipeline {

struct PictureEncoder {
  using Encode = std::function<std::vector<float>(const Image&)>;  ///< always of `width` numbers

  std::string name = {};  ///< of the weights and of what is done with pictures: equal names, equal vectors
  int width = 0;
  std::function<Encode()> open = {};  ///< for one thread, with its own memory
};

/// What a reduction did with it.
struct PictureCounts {
  std::int64_t encoded = 0;     ///< pictures
  std::int64_t found = 0;       ///< encoded by an earlier one
  std::int64_t unreadable = 0;  ///< files that could not be read or decoded: compared by their hashes alone
};

}  // namespace moonbeam::pipeline
