// JSON on the way out: members in the order in which they were put, ASCII only, numbers that every reader
// takes.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moonbeam::server {

/// Numbers with a point are floats: of these nlohmann writes the shortest text, so that 0.18188 is 0.18188.
/// Of one double in 650 it writes 17 digits.
using JsonOut = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t,
                                     std::uint64_t, float>;

/// `value` as text in one line. Everything beyond ASCII is written as \uXXXX: some clients decode each piece
/// of the network by itself and would break a character that lies across two. Bytes that are no UTF-8 become
/// U+FFFD.
std::string json_text(const JsonOut& value);

/// With at most 6 decimals; what no float can hold is 0.
float rounded(double value) noexcept;

}  // namespace moonbeam::server
