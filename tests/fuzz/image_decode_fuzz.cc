// Fuzz target: bytes -> decode_image() -> crops. Small limits keep one run short; what a picture costs within
// the real limits is measured elsewhere.
#include <moonbeam/error.h>
#include <moonbeam/image.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "image/crops.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moonbeam;
  const DecodeOptions options{
      .apply_orientation = true, .max_side = 4096, .max_pixels = 1 << 18, .deadline_seconds = 2};
  try {
    const Image picture = decode_image(std::as_bytes(std::span(data, size)), options, "fuzz");
    if (picture.pixels.size() != static_cast<std::size_t>(picture.height) * picture.width * 3)
      __builtin_trap();
    if (picture.height <= 512 && picture.width <= 512) {
      image::overlap_crops(picture, {.crop_size = 28, .patch_size = 14, .overlap_margin = 0, .max_crops = 4});
    }
  } catch (const Error&) {
    // what broken pictures are for
  }
  return 0;
}
