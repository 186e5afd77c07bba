// Parsing of points and boxes, with the range in the message.
#include "cli/places.h"

#include <moonbeam/error.h>

#include <algorithm>

#include "cli/text.h"

namespace moonbeam::cli {

namespace {

[[noreturn]] void fail(const std::string& flag, const std::string& expected, const std::string& text) {
  throw Error(ErrorCode::kInvalidArgument, flag + ": expected " + expected + ", got '" + text + "'");
}

bool in_unit(const std::vector<double>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double x) { return x >= 0 && x <= 1; });
}

}  // namespace

Point parse_point(const std::string& text, const std::string& flag) {
  const auto numbers = parse_numbers(text);
  if (!numbers || numbers->size() != 2 || !in_unit(*numbers)) fail(flag, "X,Y from 0 to 1", text);
  return {(*numbers)[0], (*numbers)[1]};
}

Box parse_box(const std::string& text, const std::string& flag) {
  const auto n = parse_numbers(text);
  if (!n || n->size() != 4 || !in_unit(*n) || (*n)[0] > (*n)[2] || (*n)[1] > (*n)[3]) {
    fail(flag, "X0,Y0,X1,Y1 from 0 to 1, left top before right bottom", text);
  }
  return {(*n)[0], (*n)[1], (*n)[2], (*n)[3]};
}

SpatialRef parse_ref(const std::string& text) {
  const std::size_t count = split(text, ',').size();
  if (count == 2) return {.point = parse_point(text, "--ref"), .box = {}};
  if (count == 4) return {.point = {}, .box = parse_box(text, "--ref")};
  fail("--ref", "X,Y or X0,Y0,X1,Y1 from 0 to 1", text);
}

}  // namespace moonbeam::cli
