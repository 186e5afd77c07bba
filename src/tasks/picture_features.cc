#include "tasks/picture_features.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "image/crops.h"
#include "image/patches.h"
#include "image/resize.h"
#include "ops/context.h"
#include "tasks/engine.h"
#include "tasks/out_of_memory.h"
#include "vision/encoder.h"
#include "vision/feature_map.h"

namespace moonbeam::tasks {

namespace {

/// The global crop as the variant cuts it -> [patches, patch_dim].
void patchify_whole(const vision::VisionConfig& config, const Image& picture, float* patches) {
  const int side = config.crop_size;
  if (config.cropping == vision::Cropping::kViews2024) {
    image::patchify(image::views_2024(picture, side).view(0), side, config.patch_size, patches);
  } else if (config.cropping == vision::Cropping::kSingle) {
    image::patchify(image::single_crop(picture, side).crop(0), side, config.patch_size, patches);
  } else {
    image::patchify(image::resize_lanczos(picture, side, side).pixels.data(), side, config.patch_size,
                    patches);
  }
}

}  // namespace

struct PictureFeatures::State {
  State(std::shared_ptr<const Engine> of_engine, int of_cells)
      : engine(std::move(of_engine)),
        cells(of_cells),
        context(pool, *engine->kernels, engine->precision),
        encoder(config(), engine->model->vision, context),
        patches(static_cast<std::size_t>(config().patches()) * config().patch_dim()),
        features(static_cast<std::size_t>(config().patches()) * config().dim) {}
  const vision::VisionConfig& config() const { return engine->config().vision; }

  std::shared_ptr<const Engine> engine;
  int cells;
  base::ThreadPool pool{1};
  ops::Context context;
  vision::Encoder encoder;
  base::Buffer<float> patches, features;
};

PictureFeatures::PictureFeatures(const Model& model, int cells)
    : state_(or_exhausted([&] { return std::make_unique<State>(model.impl().engine, cells); })) {}
PictureFeatures::~PictureFeatures() = default;

int PictureFeatures::width(const Model& model, int cells) {
  return cells * cells * model.impl().engine->config().vision.dim;
}

std::vector<float> PictureFeatures::of(const Image& picture) {
  if (picture.height <= 0 || picture.width <= 0) {
    base::fail(ErrorCode::kInvalidArgument, "the picture is empty");
  }
  return or_exhausted([&] {
    State& to = *state_;
    const vision::VisionConfig& config = to.config();
    patchify_whole(config, picture, to.patches.data());
    to.encoder.encode(to.patches.data(), 1, to.features.data());
    const vision::FeatureMap means = vision::adaptive_avg_pool2d(
        to.features.data(), config.grid_side(), config.grid_side(), config.dim, to.cells, to.cells);
    const auto size = static_cast<std::ptrdiff_t>(to.cells) * to.cells * config.dim;
    return std::vector<float>(means.data.data(), means.data.data() + size);
  });
}

}  // namespace moonbeam::tasks
