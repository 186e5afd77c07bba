// The image encoder of the 2024-08-26 release at full size with generated weights: views, bilinear merge,
// projector. Label `model`.
//
// Golden data: tests/goldens/README.md section 4, vision_2024.
#include <gtest/gtest.h>

#include "support/golden.h"
#include "tasks/engine.h"
#include "vision/embed.h"

namespace moonbeam {
namespace {

using testing::all_near;
using testing::GoldenTensors;
using testing::test_path;

constexpr float kTolerance = 1e-4f;
constexpr int kPatchRows[] = {0, 1, 26, 27, 364, 701, 702, 728};

std::vector<float> sample(std::span<const float> rows, int width, int step) {
  std::vector<float> out;
  for (const int index : kPatchRows) {
    for (int c = 0; c < width; c += step) out.push_back(rows[static_cast<std::size_t>(index * width + c)]);
  }
  return out;
}

TEST(FullVision2024, FeaturesAndEmbeddingsMatch) {
  const std::string reason = testing::why_not_full_size();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const auto engine = tasks::open_engine("synth:moondream2-2024-08-26:f32", {});
  const vision::VisionConfig& config = engine->config().vision;
  const GoldenTensors golden(test_path("goldens/full/vision_2024.safetensors"));
  for (const auto& [stem, file] :
       {std::pair{"wide_800x600", "wide_800x600.png"}, {"pano_2000x500", "pano_2000x500.jpg"}}) {
    SCOPED_TRACE(stem);
    ops::Context context(*engine->pool, *engine->kernels);
    vision::Encoder encoder(config, engine->model->vision, context);
    std::vector<float> features;
    const auto embeddings = vision::embed_image(
        encoder, config, load_image(test_path(std::string("goldens/images/") + file)),
        [&](std::string_view stage, int, const float* rows, int count, int width) {
          if (stage == "features")
            features.insert(features.end(), rows, rows + static_cast<std::ptrdiff_t>(count) * width);
        });
    std::vector<float> sampled;
    const std::size_t view =
        static_cast<std::size_t>(config.patches()) * static_cast<std::size_t>(config.dim);
    for (std::size_t first = 0; first < features.size(); first += view) {
      const auto part = sample(std::span(features).subspan(first, view), config.dim, 72);
      sampled.insert(sampled.end(), part.begin(), part.end());
    }
    EXPECT_TRUE(all_near(sampled, golden.floats(std::string(stem) + ".features"), kTolerance));
    EXPECT_TRUE(all_near(sample(embeddings.data.span(), config.proj_out_dim, 64),
                         golden.floats(std::string(stem) + ".embeddings"), kTolerance));
  }
}

}  // namespace
}  // namespace moonbeam
