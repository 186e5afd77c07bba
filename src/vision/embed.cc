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

ImageEmbedder::ImageEmbedder(const VisionConfig& config, const Image& picture) : config_(config) {
  if (picture.height <= 0 || picture.width <= 0) {
    base::fail(ErrorCode::kInvalidArgument, "image: expected at least 1x1 pixels, got ", picture.width, "x",
               picture.height);
  }
  Patches patches = cut(config, picture);
  patches_ = std::move(patches.data);
  tiling_ = patches.tiling;
  out_.crops = patches.crops;
}

void ImageEmbedder::begin(Encoder& encoder, const Probe& probe) {
  encoder_ = &encoder;
  probe_ = probe;
  features_.reserve_discard(static_cast<std::size_t>(out_.crops) *
                            static_cast<std::size_t>(config_.patches()) *
                            static_cast<std::size_t>(config_.dim));
  encoder.begin(patches_.data(), out_.crops, features_.data(), probe);
}

bool ImageEmbedder::step() {
  if (encoder_->step()) return true;
  if (out_.count == 0) merge();
  return false;
}

void ImageEmbedder::merge() {
  const int side = config_.grid_side();
  const int grid = config_.image_grid;
  const float* local_crops =
      features_.data() + static_cast<std::size_t>(config_.patches()) * static_cast<std::size_t>(config_.dim);
  const FeatureMap global = adaptive_avg_pool2d(features_.data(), side, side, config_.dim, grid, grid);
  // With one crop both halves see the same pixels: the encoder ran once for both, which is exact.
  FeatureMap local;
  if (out_.crops > 1) local = local_features(config_, local_crops, tiling_);
  const float* local_rows = out_.crops > 1 ? local.data.data() : global.data.data();
  if (probe_) probe_("pooled", 0, local_rows, grid * grid, config_.dim);

  const int count = config_.image_tokens();
  out_.data =
      base::Buffer<float>(static_cast<std::size_t>(count) * static_cast<std::size_t>(config_.proj_out_dim));
  encoder_->project(global.data.data(), local_rows, count, out_.data.data());
  out_.count = count;
}

ImageEmbeddings embed_image(Encoder& encoder, const VisionConfig& config, const Image& picture,
                            const Probe& probe) {
  ImageEmbedder embedder(config, picture);
  embedder.begin(encoder, probe);
  while (embedder.step()) {
  }
  return embedder.take();
}

}  // namespace moonbeam::vision
