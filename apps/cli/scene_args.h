// From the options of `data scenes` and `eval scenes` to what scenes are drawn with.
#pragma once

#include <memory>

#include "cli/options.h"
#include "data/export/dataset.h"
#include "data/scenes/atlas.h"

namespace moonbeam::cli {

/// @throws Error kInvalidArgument (--size).
data::SceneOptions scene_options(const ScenesArgs& args);
/// @throws Error kInvalidArgument naming the splits there are.
data::Split find_split(const std::string& name);

/// Labels and drawings, read once.
struct SceneAssets {
  /// @throws Error kNotFound, kCorrupt.
  SceneAssets();
  data::Scene draw(const data::SceneKey& key, const data::SceneOptions& options) const {
    return data::render_scene(key, options, atlas, labels);
  }
  data::LabelTable labels;
  data::Atlas atlas;
};

}  // namespace moonbeam::cli
