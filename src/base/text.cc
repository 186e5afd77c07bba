// Numbers and UTF-8, whatever the locale. Character classes and case belong to the tokenizer.
#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace moonbeam::base {

namespace detail {

void append(std::string& out, double value) {
  char buffer[40];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

}  // namespace detail

std::string format_decimal(double value, int decimals) {
  if (!std::isfinite(value)) return cat(value);
  decimals = std::clamp(decimals, 0, 40);
  char buffer[400];  // 309 digits before the point, sign, point
  std::string out(
      buffer, std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals).ptr);
  if (out.find('.') != std::string::npos) {
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') out.pop_back();
  }
  return out == "-0" ? "0" : out;
}

std::string format_bytes(std::int64_t bytes) {
  if (bytes == 1) return "1 byte";
  if (bytes < 1000) return cat(bytes, " bytes");
  const char* units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1000; value >= 999.5 && unit + 1 < std::size(units); value /= 1000) ++unit;
  return cat(format_decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0), " ", units[unit]);
}

std::string format_shape(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out += ',';
    detail::append(out, shape[i]);
  }
  return out + "]";
}

namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Lead {
  int length;          // bytes of the sequence; 0: not a lead byte
  unsigned low, high;  // range of the second byte
};

// Unicode table 3-7: which second bytes may follow, so that surrogates and overlong forms end early.
Lead lead_of(unsigned byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  return {0, 0, 0};
}

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

struct Decoded {
  char32_t code_point;
  std::size_t length;  // bytes read
  bool valid;
  bool cut;  // invalid only because the text ends
};

Decoded decode_at(std::string_view text, std::size_t pos) {
  const unsigned first = byte_at(text, pos);
  const Lead lead = lead_of(first);
  if (lead.length == 0) return {kReplacement, 1, false, false};
  if (lead.length == 1) return {first, 1, true, false};
  char32_t value = first & (0xFFu >> (lead.length + 1));
  for (int i = 1; i < lead.length; ++i) {
    const auto offset = static_cast<std::size_t>(i);
    if (pos + offset >= text.size()) return {kReplacement, offset, false, true};
    const unsigned byte = byte_at(text, pos + offset);
    if (byte < (i == 1 ? lead.low : 0x80u) || byte > (i == 1 ? lead.high : 0xBFu)) {
      return {kReplacement, offset, false, false};
    }
    value = (value << 6) | (byte & 0x3Fu);
  }
  return {value, static_cast<std::size_t>(lead.length), true, false};
}

/// Control characters, line ends, and the marks that reorder or hide text: a message must stay one line that
/// shows what is there.
bool is_invisible(char32_t c) {
  constexpr char32_t kRanges[][2] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x200B, 0x200F}, {0x2028, 0x202E},
                                     {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [&](const char32_t* range) { return c >= range[0] && c <= range[1]; });
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const Decoded c = decode_at(text, pos);
    if (c.valid && !is_invisible(c.code_point)) {
      out += text.substr(pos, c.length);
    } else {
      constexpr char kHex[] = "0123456789abcdef";
      for (std::size_t i = pos; i < pos + c.length; ++i) {
        out += "\\x";
        out += kHex[byte_at(text, i) >> 4];
        out += kHex[byte_at(text, i) & 15];
      }
    }
    pos += c.length;
  }
  return out;
}

char32_t next_code_point(std::string_view text, std::size_t& pos) {
  const Decoded c = decode_at(text, pos);
  pos += c.length;
  return c.code_point;
}

void append_utf8(std::string& out, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t pos = 0; pos < text.size();) {
    const Decoded c = decode_at(text, pos);
    if (!c.valid) return false;
    pos += c.length;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t pos = 0; pos < text.size();) append_utf8(out, next_code_point(text, pos));
  return out;
}

std::size_t incomplete_utf8_tail(std::string_view text) {
  for (std::size_t length = 1; length <= 3 && length <= text.size(); ++length) {
    const std::size_t pos = text.size() - length;
    if ((byte_at(text, pos) & 0xC0) == 0x80) continue;
    const Decoded c = decode_at(text, pos);
    return c.cut && c.length == length ? length : 0;
  }
  return 0;
}

std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t pos = 0; pos < text.size(); ++count) next_code_point(text, pos);
  return count;
}

}  // namespace moonbeam::base
