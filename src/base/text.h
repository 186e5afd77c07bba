// Text without a locale: joining, numbers, UTF-8.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::base {

namespace detail {
inline void append(std::string& out, std::string_view text) {
  out += text;
}
inline void append(std::string& out, char c) {
  out += c;
}
template <std::integral T>
requires(!std::same_as<T, char> && !std::same_as<T, bool>) void append(std::string& out, T value) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}
void append(std::string& out, double value);
}  // namespace detail

/// Joins strings and numbers.
template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

/// `value` with at most `decimals` digits after the point, trailing zeros removed ("0.5", "12", "-0.25").
std::string format_decimal(double value, int decimals);

/// "3.85 GB", "143 MB", "512 bytes"; decimal units.
std::string format_bytes(std::int64_t bytes);

/// "[51200,2048]"
std::string format_shape(const std::vector<std::int64_t>& shape);

/// `text` for a one-line message: bytes that are not printable UTF-8 become \xNN.
std::string printable(std::string_view text);

/// Reads the code point at text[pos] and moves pos past it. On an invalid sequence returns U+FFFD and moves
/// past the maximal invalid prefix (Unicode 3.9, as Python and Rust do).
char32_t next_code_point(std::string_view text, std::size_t& pos);

void append_utf8(std::string& out, char32_t code_point);
bool is_valid_utf8(std::string_view text);
/// Replaces each maximal invalid prefix by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);
/// Bytes at the end that could still become a character: 0..3.
std::size_t incomplete_utf8_tail(std::string_view text);
std::size_t count_code_points(std::string_view text);

}  // namespace moonbeam::base
