// JSON on the way out: members in the order in which they were put, ASCII only, numbers that every reader
// takes.
#pragma once

#include <string>

#include "net/json.h"

namespace moonbeam::server {

using JsonOut = moonbeam::net::ShortJson;  // server::net is Asio

/// `value` as text in one line. Everything beyond ASCII is written as \uXXXX: some clients decode each piece
/// of the network by itself and would break a character that lies across two. Bytes that are no UTF-8 become
/// U+FFFD.
std::string json_text(const JsonOut& value);

/// With at most 6 decimals; what no float can hold is 0.
float rounded(double value) noexcept;

}  // namespace moonbeam::server
