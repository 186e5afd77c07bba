// Validation of the image encoder's sizes.
#include "vision/config.h"

#include "base/checked.h"
#include "base/error.h"

namespace moonbeam::vision {

void VisionConfig::validate() const {
  base::check_range("vision.enc_dim", dim, 1, 1 << 16);
  base::check_range("vision.enc_patch_size", patch_size, 1, 256);
  base::check_range("vision.enc_n_layers", layers, 1, 1024);
  base::check_range("vision.enc_ff_dim", ff_dim, 1, 1 << 18);
  base::check_range("vision.enc_n_heads", heads, 1, 1024);
  base::check_range("vision.proj_out_dim", proj_out_dim, 1, 1 << 16);
  base::check_range("vision.proj_inner_dim", proj_inner_dim, 1, 1 << 18);
  base::check_range("vision.crop_size", crop_size, patch_size, 8192);
  base::check_range("vision.max_crops", max_crops, 1, 256);
  base::check_range("vision.overlap_margin", overlap_margin, 0, 1024);
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
  base::check_range("vision.image_grid", image_grid, 1, grid_side());
  if (proj_in_dim != dim && proj_in_dim != 2 * dim) {
    base::fail(ErrorCode::kCorrupt, "projector input: expected ", dim, " or ", 2 * dim, ", got ",
               proj_in_dim);
  }
}

}  // namespace moonbeam::vision
