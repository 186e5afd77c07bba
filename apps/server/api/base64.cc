#include "server/api/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "server/http/message.h"

namespace moonbeam::server {

namespace {

constexpr std::uint8_t kBad = 0xff, kSpace = 0xfe, kPad = 0xfd;

constexpr std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> out{};
  out.fill(kBad);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  out['-'] = 62;
  out['_'] = 63;
  for (const char space : {' ', '\t', '\r', '\n', '\f', '\v'})
    out[static_cast<unsigned char>(space)] = kSpace;
  out['='] = kPad;
  return out;
}
constexpr auto kTable = make_table();

std::uint8_t value_of(char c) {
  return kTable[static_cast<unsigned char>(c)];
}

bool starts_with(std::string_view text, std::string_view start) {
  return same_name(text.substr(0, start.size()), start);
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::size_t i = 0;
  std::uint32_t bits = 0;
  int held = 0;  // letters in `bits`
  while (i < text.size()) {
    // Four letters at once, as long as nothing else stands between them.
    while (held == 0 && i + 4 <= text.size()) {
      const std::uint32_t a = value_of(text[i]), b = value_of(text[i + 1]), c = value_of(text[i + 2]),
                          d = value_of(text[i + 3]);
      if ((a | b | c | d) > 63) break;
      const std::uint32_t word = a << 18 | b << 12 | c << 6 | d;
      const char bytes[] = {static_cast<char>(word >> 16), static_cast<char>(word >> 8),
                            static_cast<char>(word)};
      out.append(bytes, 3);
      i += 4;
    }
    if (i == text.size()) break;
    const std::uint8_t value = value_of(text[i++]);
    if (value == kSpace) continue;
    if (value == kPad) {
      // At most two, and nothing but white space after them.
      int pads = 1;
      for (; i < text.size(); ++i) {
        const std::uint8_t rest = value_of(text[i]);
        if (rest == kPad) ++pads;
        if (rest != kPad && rest != kSpace) return std::nullopt;
      }
      if (held < 2 || pads > 4 - held) return std::nullopt;
      break;
    }
    if (value == kBad) return std::nullopt;
    bits = bits << 6 | value;
    if (++held < 4) continue;
    const char bytes[] = {static_cast<char>(bits >> 16), static_cast<char>(bits >> 8),
                          static_cast<char>(bits)};
    out.append(bytes, 3);
    bits = 0;
    held = 0;
  }
  if (held == 1) return std::nullopt;
  if (held == 2) out += static_cast<char>(bits >> 4);
  if (held == 3) {
    out += static_cast<char>(bits >> 10);
    out += static_cast<char>(bits >> 2);
  }
  return out;
}

DataUri read_data_uri(std::string_view text) {
  using Kind = DataUri::Kind;
  while (!text.empty() && value_of(text.front()) == kSpace) text.remove_prefix(1);
  if (starts_with(text, "http://") || starts_with(text, "https://")) {
    while (value_of(text.back()) == kSpace) text.remove_suffix(1);
    return {Kind::kWebAddress, text};
  }
  if (starts_with(text, "data:")) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos) return {Kind::kOther};
    std::string_view head = text.substr(0, comma);
    while (!head.empty() && value_of(head.back()) == kSpace) head.remove_suffix(1);
    constexpr std::string_view kMark = ";base64";
    if (head.size() < kMark.size() || !starts_with(head.substr(head.size() - kMark.size()), kMark))
      return {Kind::kOther};
    return {Kind::kBase64, text.substr(comma + 1)};
  }
  // No letter of base64 is a colon: this is some other scheme.
  if (text.substr(0, 32).find(':') != std::string_view::npos) return {Kind::kOther};
  return {Kind::kBase64, text};
}

}  // namespace moonbeam::server
