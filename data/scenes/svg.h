// Vector drawings to pixels, by librsvg where this build has it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/scenes/layer.h"

namespace moonbeam::data {

/// Whether render_svg() can work; where not, the reason with the remedy.
bool can_render_svg(std::string& why_not);

/// What is opaque enough to be seen (alpha > 40) of the drawing, its long side `side` pixels or one or two
/// less: soft edges are not counted.
/// @throws Error kCorrupt (no SVG, or nothing to see), kUnsupported (this build cannot).
Layer render_svg(const std::string& svg, int side);

/// Renders every text in a child process, so that a drawing that crashes the library or never ends costs this
/// drawing alone. `done` gets each in order: the picture, or an empty one and what went wrong.
void render_guarded(
    const std::vector<std::string>& svgs, int side,
    const std::function<void(std::size_t index, Layer picture, const std::string& problem)>& done);

}  // namespace moonbeam::data
