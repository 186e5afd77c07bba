// JSON from elsewhere. nlohmann's parser takes any depth, but its copies and comparisons go down by calls: a
// megabyte of brackets ends a process.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace moonbeam::net {

inline constexpr int kMaxJsonDepth = 64;

/// Discarded (is_discarded()) where `text` is no JSON, or has brackets inside each other more than 64 deep.
template <typename Json>
Json parse_json(std::string_view text) {
  struct TooDeep {};
  using Event = typename Json::parse_event_t;
  const auto check = [](int above, Event event, Json&) {
    if ((event == Event::array_start || event == Event::object_start) && above >= kMaxJsonDepth)
      throw TooDeep();
    return true;
  };
  try {
    return Json::parse(text, check, /*allow_exceptions=*/false);
  } catch (const TooDeep&) {
    return Json(Json::value_t::discarded);
  }
}

}  // namespace moonbeam::net
