// Validation of the image encoder's sizes.
#include "vision/config.h"

#include <string_view>

#include "base/error.h"

namespace moonbeam::vision {

namespace {

void check_range(std::string_view field, int value, int low, int high) {
  if (value < low || value > high) {
    base::fail(ErrorCode::kCorrupt, "config vision.", field, ": expected ", low, "..", high, ", got ", value);
  }
}

}  // namespace

void VisionConfig::validate() const {
  check_range("enc_dim", dim, 1, 1 << 16);
  check_range("enc_patch_size", patch_size, 1, 256);
  check_range("enc_n_layers", layers, 1, 1024);
  check_range("enc_ff_dim", ff_dim, 1, 1 << 18);
  check_range("enc_n_heads", heads, 1, 1024);
  check_range("proj_out_dim", proj_out_dim, 1, 1 << 16);
  check_range("proj_inner_dim", proj_inner_dim, 1, 1 << 18);
  check_range("crop_size", crop_size, patch_size, 8192);
  check_range("max_crops", max_crops, 1, 256);
  check_range("overlap_margin", overlap_margin, 0, 1024);
  if (channels != 3)
    base::fail(ErrorCode::kUnsupported, "config vision.in_channels: expected 3, got ", channels);
  if (dim % heads != 0) {
    base::fail(ErrorCode::kCorrupt, "config vision.enc_dim: expected a multiple of enc_n_heads (", heads,
               "), got ", dim);
  }
  if (crop_size % patch_size != 0) {
    base::fail(ErrorCode::kCorrupt, "config vision.crop_size: expected a multiple of enc_patch_size (",
               patch_size, "), got ", crop_size);
  }
  if (cropping == Cropping::kOverlapCrops && 2 * overlap_margin >= grid_side()) {
    base::fail(ErrorCode::kCorrupt, "config vision.overlap_margin: expected less than half of ", grid_side(),
               " patches, got ", overlap_margin);
  }
  check_range("image_grid", image_grid, 1, grid_side());
  if (proj_in_dim != dim && proj_in_dim != 2 * dim) {
    base::fail(ErrorCode::kCorrupt, "projector input: expected ", dim, " or ", 2 * dim, ", got ",
               proj_in_dim);
  }
}

}  // namespace moonbeam::vision
