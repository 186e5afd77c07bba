#include "train/loop/pictures.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <filesystem>
#include <string>

#include "base/test_folder.h"
#include "data/formats/tar.h"
#include "data/scenes/layer.h"
#include "data/scenes/sprite_file.h"
#include "model/synth.h"

namespace moonbeam::train {
namespace {

/// A folder of data where the first thing, a dog, has another drawing under CC BY: a blue square.
class Drawings : public ::testing::Test {
 protected:
  Drawings() {
    for (const char* name : {"labels.tsv", "atlas.tar"}) {
      std::filesystem::create_symlink(std::filesystem::path(MOONBEAM_SOURCE_DIR "/data") / name,
                                      folder_ / name);
    }
    recipe_.data = folder_.path();
    recipe_.stages.resize(2);
    for (Stage& stage : recipe_.stages) {
      stage.scene.height = stage.scene.width = 64;
      stage.scene.degrade = false;
    }
    recipe_.stages[1].attribution = true;
  }
  void add_drawings_with_attribution() {
    std::string bytes;
    data::TarWriter tar([&](std::string_view piece) { bytes += piece; });
    tar.add("index.jsonl", R"({"id":"twemoji/dog","label":"dog","set":"twemoji","tier":"b","w":16,"h":16})");
    tar.add("twemoji/dog.png", data::write_sprite(data::Layer(16, 16, data::make_rgba(20, 20, 200))));
    tar.finish();
    std::filesystem::create_directory(folder_ / "assets");
    folder_.put("assets/atlas-by.tar", bytes);
  }
  /// How many of the first scenes the two stages draw in the same way.
  int same(const Assets& assets, data::Split split) const {
    int out = 0;
    for (std::uint64_t index = 0; index < kScenes; ++index) {
      const auto pixels = [&](const Stage& stage) {
        return draw_scene(assets, stage, 1, split, index).image.pixels;
      };
      if (pixels(recipe_.stages[0]) == pixels(recipe_.stages[1])) ++out;
    }
    return out;
  }

  /// Whether the two stages cut the same windows.
  bool same_windows(const Assets& assets, data::Split split) const {
    const model::ModelConfig config = model::synth_config("tiny");
    const text::Tokenizer tokenizer(model::synth_tokenizer(config));
    const PictureSources sources{assets, tokenizer, config};
    const auto patches = [&](const Stage& stage) {
      return make_batch(sources, stage, 1, split, {.windows = true, .first = 0, .count = kScenes}).patches;
    };
    return torch::equal(patches(recipe_.stages[0]), patches(recipe_.stages[1]));
  }

  static constexpr int kScenes = 24;
  base::TestFolder folder_;
  Recipe recipe_;
};

TEST_F(Drawings, WithAttributionAreForStagesThatAskAndNeverForHeldOutScenes) {
  add_drawings_with_attribution();
  const Assets assets = load_assets(recipe_);
  EXPECT_LT(same(assets, data::Split::kTrain), kScenes);
  EXPECT_EQ(same(assets, data::Split::kValSeed), kScenes);
  EXPECT_FALSE(same_windows(assets, data::Split::kTrain));
  EXPECT_TRUE(same_windows(assets, data::Split::kValSeed));
}

TEST_F(Drawings, WithAttributionAreFetchedFirst) {
  try {
    load_assets(recipe_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(std::string(error.what()).find("tools/fetch_assets.sh by"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(load_assets(recipe_, /*held_out=*/true).attributed);
  recipe_.stages.pop_back();
  EXPECT_FALSE(load_assets(recipe_).attributed);
}

}  // namespace
}  // namespace moonbeam::train
