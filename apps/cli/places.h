// Places that users type: "0.4,0.5" and "0.1,0.2,0.6,0.9".
#pragma once

#include <moonbeam/types.h>

#include <string>

namespace moonbeam::cli {

/// @throws Error kInvalidArgument, naming `flag`, unless `text` is x,y in [0,1].
Point parse_point(const std::string& text, const std::string& flag);
/// As parse_point: x0,y0,x1,y1 with x0 <= x1 and y0 <= y1.
Box parse_box(const std::string& text, const std::string& flag);
/// --ref: a point or a box, by the count of numbers.
SpatialRef parse_ref(const std::string& text);

}  // namespace moonbeam::cli
