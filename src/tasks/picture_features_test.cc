#include "tasks/picture_features.h"

#include <moonbeam/error.h>

#include "tasks/testing.h"

namespace moonbeam::tasks {
namespace {

using testing::engine;
using testing::model_of;
using testing::noise;
using testing::sample;

TEST(PictureFeatures, AreTheMeansOfWhatTheEncoderSeesInTheWholePicture) {
  for (const std::string name : {"tiny", "starter"}) {
    const auto loaded = engine(name);
    const vision::VisionConfig& config = loaded->config().vision;
    std::vector<float> means(static_cast<std::size_t>(config.dim), 0.0f);
    ImageProbe probe;
    bool seen = false;
    probe.vision = [&](std::string_view stage, int, const float* rows, int, int width) {
      if (stage != "features" || seen) return;
      seen = true;  // the global crop comes first
      for (int i = 0; i < config.patches() * width; ++i) {
        means[static_cast<std::size_t>(i % width)] += rows[i] / static_cast<float>(config.patches());
      }
    };
    encode_image(loaded, sample(), {}, probe);
    const std::vector<float> features = PictureFeatures(model_of(loaded), 1).of(sample());
    ASSERT_EQ(features.size(), means.size());
    for (std::size_t i = 0; i < means.size(); ++i) EXPECT_NEAR(features[i], means[i], 1e-4f) << name << i;
  }
}

TEST(PictureFeatures, OfPartsHaveTheWholesMean) {
  const Model model = model_of(engine("starter"));
  const std::vector<float> whole = PictureFeatures(model, 1).of(sample()),
                           parts = PictureFeatures(model, 2).of(sample());
  ASSERT_EQ(static_cast<int>(parts.size()), PictureFeatures::width(model, 2));
  ASSERT_EQ(parts.size(), 4 * whole.size());
  if (engine("starter")->config().vision.grid_side() % 2 != 0) return;  // halves share a column there
  for (std::size_t i = 0; i < whole.size(); ++i) {
    float sum = 0;
    for (std::size_t part = 0; part < 4; ++part) sum += parts[part * whole.size() + i];
    EXPECT_NEAR(sum / 4, whole[i], 1e-4f);
  }
}

TEST(PictureFeatures, DependOnNothingButThePicture) {
  const Model model = model_of(engine("tiny"));
  PictureFeatures one(model, 2), other(model, 2);
  const std::vector<float> first = one.of(sample());
  other.of(noise(3));
  EXPECT_EQ(other.of(sample()), first);
  EXPECT_NE(other.of(noise(3)), first);
  EXPECT_THROW(one.of(Image{}), Error);
}

}  // namespace
}  // namespace moonbeam::tasks
