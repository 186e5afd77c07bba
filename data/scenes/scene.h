// A drawn scene and its exact truth: what the renderer gives, what questions and exports are made from.
#pragma once

#include <moonbeam/image.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/scenes/labels.h"

namespace moonbeam::data {

/// Bases of the indices of the splits (scenes.md section 6); the split also decides sprites and backgrounds.
enum class Split : std::uint32_t { kTrain, kValSeed, kValBg, kValStyle, kValPhoto };
std::string_view name(Split split);  ///< "train", "val-seed", ...
std::optional<Split> find_split(std::string_view name);

/// What a scene is a pure function of, with SceneOptions and the assets.
struct SceneKey {
  std::uint64_t seed = 0;  ///< of the data set
  Split split = Split::kTrain;
  std::uint64_t index = 0;  ///< in the split, from 0
};

/// Pixels, x right, y down, half open.
struct PixelBox {
  int x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  int width() const { return x_max - x_min; }
  int height() const { return y_max - y_min; }
};

/// Run lengths of a mask [height, width] in COCO's order: column after column, the first run is of zeros.
struct Mask {
  std::vector<std::uint32_t> runs;
  std::uint64_t area = 0;  ///< ones
};

struct SceneObject {
  int label = 0;                   ///< row of the label table
  std::optional<Colour> colour;    ///< what it visibly has; none where no colour is asked for
  std::string set;                 ///< "noto", ..., "shapes"
  std::string sprite;              ///< id in the atlas; the shape's name
  PixelBox box;                    ///< tight around the visible pixels
  Mask mask;                       ///< visible pixels; empty unless SceneOptions::masks
  std::uint64_t visible_area = 0;  ///< pixels
  float visible_share = 1;         ///< of the object's own pixels, those outside the canvas counted
  int depth = 0;                   ///< drawn in this order, 0 first
  std::string text;                ///< what is written on a sign, else empty
};

struct Scene {
  SceneKey key;
  Image image;                       ///< RGB, [height, width, 3]
  std::vector<SceneObject> objects;  ///< by y_min, then x_min (data.md 2.21)
  std::string background;            ///< word for captions: "plain", "striped", "textured"; empty: none
};

struct SceneOptions {
  int height = 196, width = 196;
  int classes = 100;       ///< things drawn from: the first n of the table; shapes come on top
  int max_objects = 6;     ///< stage 4: 12
  float clutter = 1;       ///< 0 plain backgrounds .. 1 everything of scenes.md section 4.2
  bool occlusion = false;  ///< up to 60 % hidden, visible share >= 40 %; else overlap <= 12 %
  bool reading = false;    ///< signs with text
  bool degrade = true;     ///< JPEG, noise, resampling, gamma
  float restyled = 0;      ///< share of drawings that are redrawn as by another hand
  bool masks = false;      ///< fill in SceneObject::mask
  /// At least one object of this many equal ones, for flat counts; 0: free draw.
  int repeat = 0;
};

/// One object at 42-105 % of a window (8 % empty): the first stage's picture. Truth as in a scene.
struct WindowOptions {
  int side = 56;
  int classes = 100;
  float clutter = 0.5f;
  float restyled = 0;
};

class Atlas;  // data/scenes/atlas.h

/// @throws Error kInvalidArgument (sizes, classes beyond the table), kNotFound (the split's assets).
Scene render_scene(const SceneKey& key, const SceneOptions& options, const Atlas& atlas,
                   const LabelTable& labels);
Scene render_window(const SceneKey& key, const WindowOptions& options, const Atlas& atlas,
                    const LabelTable& labels);

}  // namespace moonbeam::data
