// Pictures to patches, as the engine cuts them.
#include "base/error.h"
#include "image/crops.h"
#include "image/patches.h"
#include "train/batch/batch.h"

namespace moonbeam::train {

using base::fail;

namespace {

void check_not_empty(const Image& image) {
  if (image.height <= 0 || image.width <= 0) {
    fail(ErrorCode::kInvalidArgument, "training: expected a picture of at least 1x1 pixels, got ",
         image.width, "x", image.height);
  }
}

std::vector<float> patchify(const image::Crops& crops, int count, const vision::VisionConfig& config) {
  const std::size_t per_crop =
      static_cast<std::size_t>(config.patches()) * static_cast<std::size_t>(config.patch_dim());
  std::vector<float> out(static_cast<std::size_t>(count) * per_crop);
  for (int i = 0; i < count; ++i) {
    image::patchify(crops.crop(i), config.crop_size, config.patch_size,
                    out.data() + static_cast<std::size_t>(i) * per_crop);
  }
  return out;
}

}  // namespace

Picture cut_picture(const Image& image, const vision::VisionConfig& config) {
  check_not_empty(image);
  Picture out;
  switch (config.cropping) {
    case vision::Cropping::kOverlapCrops: {
      const image::Crops crops = image::overlap_crops(image, {.crop_size = config.crop_size,
                                                              .patch_size = config.patch_size,
                                                              .overlap_margin = config.overlap_margin,
                                                              .max_crops = config.max_crops});
      out.patches = patchify(crops, crops.distinct(), config);
      out.tiling = crops.tiling;
      return out;
    }
    case vision::Cropping::kSingle:
      out.patches = patchify(image::single_crop(image, config.crop_size), 1, config);
      return out;
    case vision::Cropping::kViews2024:
      break;
  }
  fail(ErrorCode::kUnsupported, "training: the cropping of 2024-05-20 to 08-26 is read, not trained");
}

Picture cut_window(const Image& image, const vision::VisionConfig& config, int row, int column) {
  check_not_empty(image);
  const int rows = image.height / config.patch_size, columns = image.width / config.patch_size;
  const bool fits = rows == columns && rows * config.patch_size == image.height &&
                    columns * config.patch_size == image.width && row >= 0 && column >= 0 &&
                    row + rows <= config.grid_side() && column + columns <= config.grid_side();
  if (!fits) {
    fail(ErrorCode::kInvalidArgument, "window: expected a square of whole patches (", config.patch_size,
         " px) inside ", config.grid_side(), "x", config.grid_side(), ", got ", image.width, "x",
         image.height, " px at patch ", column, ",", row);
  }
  Picture out;
  out.patches.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) *
                     static_cast<std::size_t>(config.patch_dim()));
  image::patchify(image.pixels.data(), image.height, config.patch_size, out.patches.data());
  for (int y = row; y < row + rows; ++y) {
    for (int x = column; x < column + columns; ++x) out.position_rows.push_back(y * config.grid_side() + x);
  }
  return out;
}

}  // namespace moonbeam::train
