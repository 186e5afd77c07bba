#include <gtest/gtest.h>

#include "base/hash64.h"
#include "data/scenes/atlas.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {
namespace {

TEST(RenderScene, Works) {
  const LabelTable labels = LabelTable::load(MOONBEAM_SOURCE_DIR "/data/labels.tsv");
  const Atlas atlas;
  SceneOptions options;
  options.masks = true;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Scene scene = render_scene({1, Split::kTrain, i}, options, atlas, labels);
    EXPECT_FALSE(scene.objects.empty());
  }
}

}  // namespace
}  // namespace moonbeam::data
