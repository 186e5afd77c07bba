// One question as what is fed behind the image prefix and what each position is to say.
//
// Which hidden says what follows the engine's loop (src/tasks/objects.h): the last position of the prompt
// says "an object or the end" and x, the position of x says y, that of y says width and height, and that of
// the object's last token again "an object or the end" and the next x. Only x, y and sizes are asked of the
// region heads, and no token of the positions of x and y.
#pragma once

#include <moonbeam/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "model/config.h"

namespace moonbeam::train {

/// What stands at a position.
struct Input {
  enum class Kind : std::uint8_t { kToken, kCoordinate, kSize };
  Kind kind = Kind::kToken;
  int id = 0;       ///< token
  float value = 0;  ///< coordinate, or width
  float height = 0;
};

struct TokenTarget {
  int row = 0;  ///< position in the sequence whose hidden says it
  int id = 0;
};
struct CoordinateTarget {
  int row = 0, bin = 0;
};
struct SizeTarget {
  int row = 0, width_bin = 0, height_bin = 0;
};

struct Sequence {
  std::vector<Input> inputs;
  std::vector<TokenTarget> tokens;
  std::vector<CoordinateTarget> coordinates;
  std::vector<SizeTarget> sizes;
  float weight = 1;  ///< of its token targets
};

/// prompt, answer; the end is a target too.
Sequence text_sequence(std::span<const int> prompt, std::span<const int> answer, int eos, float weight = 1);

/// Objects in the given order. Fed back are the values that the engine would decode from the target bins.
/// @throws Error kUnsupported if the model has no region heads or no coordinate token.
Sequence detect_sequence(std::span<const int> prompt, std::span<const Box> boxes,
                         const model::ModelConfig& config, float weight = 1);
Sequence point_sequence(std::span<const int> prompt, std::span<const Point> points,
                        const model::ModelConfig& config, float weight = 1);

/// By y_min, then x_min; points by y, then x.
void sort_objects(std::vector<Box>& boxes);
void sort_objects(std::vector<Point>& points);

}  // namespace moonbeam::train
