// Small questions about text that came from outside.
#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "server/http/message.h"

namespace moonbeam::server {

std::string lower_case(std::string_view text);
/// Nothing but white space.
bool is_blank(std::string_view text);
bool is_utf8(std::string_view text) noexcept;
/// For messages: at most `limit` bytes, without control characters, cut between characters.
std::string printable(std::string_view text, std::size_t limit = 100);
/// A number that is all of the text.
template <typename T>
std::optional<T> parsed(std::string_view text) {
  T out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}
/// Value of a header, trimmed; empty where it is not there.
std::string_view header(const Request& request, std::string_view name);
/// "image/jpeg" of "image/JPEG; q=1".
std::string media_type(std::string_view value);
/// A parameter of a header's value: `boundary` of `multipart/form-data; boundary="x"`. Empty if not there.
std::string header_parameter(std::string_view value, std::string_view name);

}  // namespace moonbeam::server
