// How one object looks: its drawing or shape, turned, mirrored, repainted, with an edge or a shadow.
#pragma once

#include <optional>
#include <string>

#include "data/scenes/atlas.h"
#include "data/scenes/layer.h"
#include "data/scenes/random.h"

namespace moonbeam::data {

struct Appearance {
  Layer layer;
  Extent extent;                 ///< what the object owns of the layer
  std::optional<Colour> colour;  ///< what it visibly has
  std::string text;              ///< of a sign
  int shadow = 0;                ///< radius in pixels; 0: none
};

/// What an object draws from.
struct ObjectStreams {
  Stream sprite, text, hand;
};

/// An object of this label with its long side about `side` pixels. `sprite` < 0: a shape or a sign.
/// `restyled` is the share of drawings that are redrawn as by another hand, which makes some of them half as
/// large again.
Appearance draw_object(int label, int sprite, float side, const Atlas& atlas, const LabelTable& labels,
                       float restyled, ObjectStreams& streams);

/// Whether it would hardly be seen at (x, y) of the canvas.
bool hidden_by_contrast(const Layer& layer, int x, int y, const Layer& canvas);

/// An edge that tells it from the canvas at (x, y), and the extent with it.
void add_edge(Appearance& object, int x, int y, const Layer& canvas);

}  // namespace moonbeam::data
