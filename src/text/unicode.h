// The few questions about characters that tokenizing asks. UTF-8 itself is base/text.h.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::text {

/// Unicode White_Space.
bool is_white_space(char32_t c) noexcept;
/// What \w means in a tokenizer file: letters, letter numbers, marks, decimal digits, connectors.
bool is_word(char32_t c) noexcept;

/// Last character of valid UTF-8; 0 for no text.
char32_t last_code_point(std::string_view text) noexcept;
/// Bytes of white space at the start and at the end of valid UTF-8.
std::size_t leading_white_space(std::string_view text) noexcept;
std::size_t trailing_white_space(std::string_view text) noexcept;

/// `text`, valid UTF-8, in normalisation form C.
std::string to_nfc(std::string_view text);

}  // namespace moonbeam::text
