// JSON from elsewhere and for elsewhere.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::net {

/// For answers: members in the order in which they were put, numbers with a point as floats. Of a float
/// nlohmann writes the shortest text, so that 0.18188 is 0.18188; of one double in 650 it writes 17 digits.
using ShortJson = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t,
                                       std::uint64_t, float>;

// nlohmann's parser takes any depth, but its copies and comparisons go down by calls: a megabyte of brackets
// ends a process.
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
