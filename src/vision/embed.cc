#include "vision/embed.h"

#include "base/error.h"
#include "image/crops.h"
#include "image/patches.h"
#include "image/tiling.h"

namespace moonbeam::vision {

namespace {

/// Patches of all crops that the encoder has to see, and the grid of the local ones.
struct Patches {
  base::Buffer<float> data;  // [crops * patches, patch_dim]
  int crops = 0;
  image::Tiling tiling;
};

template <typename CropAt>
Patches patchify_all(const VisionConfig& config, int crops, image::Tiling tiling, CropAt crop_at) {
  const auto per_crop =
      static_cast<std::size_t>(config.patches()) * static_cast<std::size_t>(config.patch_dim());
  Patches out{base::Buffer<float>(static_cast<std::size_t>(crops) * per_crop), crops, tiling};
  for (int i = 0; i < crops; ++i) {
    image::patchify(crop_at(i), config.crop_size, config.patch_size,
                    out.data.data() + static_cast<std::size_t>(i) * per_crop);
  }
  return out;
}

Patches cut(const VisionConfig& config, const Image& picture) {
  switch (config.cropping) {
    case Cropping::kOverlapCrops: {
      const image::Crops crops = image::overlap_crops(picture, {.crop_size = config.crop_size,
                                                                .patch_size = config.patch_size,
                                                                .overlap_margin = config.overlap_margin,
                                                                .max_crops = config.max_crops});
      return patchify_all(config, crops.distinct(), crops.tiling, [&](int i) { return crops.crop(i); });
    }
    case Cropping::kViews2024: {
      const image::Views views = image::views_2024(picture, config.crop_size);
      return patchify_all(config, views.count, views.tiling, [&](int i) { return views.view(i); });
    }
    case Cropping::kSingle:
      break;
  }
  const image::Crops crops = image::single_crop(picture, config.crop_size);
  return patchify_all(config, 1, {}, [&](int i) { return crops.crop(i); });
}

FeatureMap local_features(const VisionConfig& config, const float* local, image::Tiling tiling) {
  const int side = config.grid_side();
  const int grid = config.image_grid;
  if (config.cropping == Cropping::kViews2024) {
    const FeatureMap tiles = reconstruct_from_crops(local, tiling.rows, tiling.cols, side, config.dim, 0);
    return interpolate_bilinear(tiles.data.data(), tiles.height, tiles.width, config.dim, grid, grid);
  }
  const FeatureMap stitched =
      reconstruct_from_crops(local, tiling.rows, tiling.cols, side, config.dim, config.overlap_margin);
  return adaptive_avg_pool2d(stitched.data.data(), stitched.height, stitched.width, config.dim, grid, grid);
}

}  // namespace

ImageEmbeddings embed_image(Encoder& encoder, const VisionConfig& config, const Image& picture,
                            const LayerFn& on_layer, const Probe& probe) {
  if (picture.height <= 0 || picture.width <= 0) {
    base::fail(ErrorCode::kInvalidArgument, "image: expected at least 1x1 pixels, got ", picture.width, "x",
               picture.height);
  }
  const Patches patches = cut(config, picture);
  const auto per_crop = static_cast<std::size_t>(config.patches()) * static_cast<std::size_t>(config.dim);
  base::Buffer<float> features(static_cast<std::size_t>(patches.crops) * per_crop);
  ImageEmbeddings out;
  out.crops = patches.crops;
  if (!encoder.encode(patches.data.data(), patches.crops, features.data(), on_layer, probe)) return out;

  const int side = config.grid_side();
  const int grid = config.image_grid;
  const FeatureMap global = adaptive_avg_pool2d(features.data(), side, side, config.dim, grid, grid);
  // With one crop both halves see the same pixels: the encoder ran once for both, which is exact.
  FeatureMap local;
  if (patches.crops > 1) local = local_features(config, features.data() + per_crop, patches.tiling);
  const float* local_rows = patches.crops > 1 ? local.data.data() : global.data.data();
  if (probe) probe("pooled", 0, local_rows, grid * grid, config.dim);

  out.count = config.image_tokens();
  out.data = base::Buffer<float>(static_cast<std::size_t>(out.count) *
                                 static_cast<std::size_t>(config.proj_out_dim));
  encoder.project(global.data.data(), local_rows, out.count, out.data.data());
  return out;
}

}  // namespace moonbeam::vision
