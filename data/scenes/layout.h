// What a scene shows and how large: classes, repeats, sizes, places to try. No pixels.
#pragma once

#include <array>
#include <vector>

#include "data/scenes/atlas.h"
#include "data/scenes/labels.h"
#include "data/scenes/random.h"
#include "data/scenes/scene.h"

namespace moonbeam::data {

inline constexpr int kTries = 12;  ///< places an object is tried at

/// Where an object could go: its box's corner as a part of the room it has.
struct Place {
  float x = 0, y = 0;
  bool leaves = false;  ///< up to a quarter of it outside
};

struct PlannedObject {
  int label = 0;
  int sprite = -1;    ///< of the atlas; none for shapes and signs
  float side = 0;     ///< long side, as a part of the canvas's short side
  bool must = false;  ///< one of SceneOptions::repeat: made smaller rather than left out
  std::array<Place, kTries> places{};
};

/// Labels that scenes of the split can show: shapes and the first `classes` things that have a drawing.
struct Choice {
  std::vector<int> shapes, things;
};
Choice drawable(const SceneOptions& options, Split split, const Atlas& atlas, const LabelTable& labels);

/// In the order of drawing. Draws everything from the stream before anything is drawn on a canvas.
std::vector<PlannedObject> plan_scene(const SceneOptions& options, Split split, const Choice& choice,
                                      const Atlas& atlas, const LabelTable& labels, Stream& stream);

std::array<Place, kTries> draw_places(Stream& stream);

/// Corner of an object's box, `size` long on a side of the canvas `room` long; `part` in [0, 1).
int place_side(int size, int room, float part, bool leaves);

}  // namespace moonbeam::data
