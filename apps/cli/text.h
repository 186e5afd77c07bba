// Text for people and files, without a locale: numbers, sizes, times, escapes, near misses.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::cli {

/// `value` with exactly `decimals` digits after a point.
std::string fixed(double value, int decimals);
/// `value` with at most `decimals` digits after a point, no trailing zeros.
std::string decimal(double value, int decimals);
/// "11.4 MB", "512 bytes"; decimal units.
std::string human_bytes(std::int64_t bytes);
/// "1,234,567"
std::string grouped(std::int64_t value);
/// "0:07", "12:34", "1:02:03"
std::string clock_time(double seconds);

/// All of `text` as a number; nothing for anything else, infinities and NaN included.
std::optional<double> parse_double(std::string_view text);
std::optional<std::int64_t> parse_int(std::string_view text);
/// "0.5,0.25" -> {0.5, 0.25}; nothing if a part is not a number.
std::optional<std::vector<double>> parse_numbers(std::string_view text);

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);

/// Length of the valid UTF-8 character at text[pos], 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t pos);
bool is_valid_utf8(std::string_view text);
/// For one-line messages on a terminal: control characters and bytes that are not UTF-8 become \xNN.
std::string printable(std::string_view text);
/// Two lowercase hex digits a byte.
std::string hex(std::string_view bytes);

/// The candidate that `word` was probably meant to be: at most two edits away (one for short words).
std::optional<std::string> near_miss(std::string_view word, std::span<const std::string> candidates);

/// Bytes of base64 `text`; white space and missing padding are fine. Nothing if other characters occur.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace moonbeam::cli
