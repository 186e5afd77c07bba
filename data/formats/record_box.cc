#include "data/formats/record_box.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace moonbeam::data {

namespace {

constexpr double kFurthest = 1e6;  // pixels

bool can_be(const XywhBox& box) {
  for (const double value : {box.x, box.y, box.width, box.height}) {
    if (!(std::abs(value) <= kFurthest)) return false;
  }
  return box.width >= 0 && box.height >= 0;
}

/// Not a number stands for what is none.
double number_in(const nlohmann::json& value) {
  return value.is_number() ? value.get<double>() : std::nan("");
}

}  // namespace

XywhBox box_of(const JsonRow& row, const char* key) {
  if (!row.has(key)) row.fail(key, "x, y, a width and a height");
  const nlohmann::json& list = row.value()[key];
  if (list.is_array() && list.size() == 4) {
    const XywhBox box = {number_in(list[0]), number_in(list[1]), number_in(list[2]), number_in(list[3])};
    if (can_be(box)) return box;
  }
  const std::string got = list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 80);
  row.fail_with(Reason::kBadBox,
                std::string(key) + ": expected x, y, a width and a height in pixels, got " + got);
}

XywhBox box_of(const JsonRow& row, const char* x, const char* y, const char* width, const char* height) {
  const XywhBox box = {row.number(x), row.number(y), row.number(width), row.number(height)};
  if (can_be(box)) return box;
  row.fail_with(Reason::kBadBox, "expected a box in pixels with sides that are not negative");
}

}  // namespace moonbeam::data
