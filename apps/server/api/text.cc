#include "server/api/text.h"

#include <algorithm>

#include <simdjson.h>

namespace moonbeam::server {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// "\"x\\\"y\"..." as `x"y`, what is not quoted up to the next ';'. Moves `rest` behind it.
std::string parameter_value(std::string_view& rest) {
  std::string out;
  if (rest.empty() || rest.front() != '"') {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    out = trim(rest.substr(0, end));
    rest.remove_prefix(end);
    return out;
  }
  std::size_t i = 1;
  for (; i < rest.size() && rest[i] != '"'; ++i) {
    // Browsers write a quote in a name as %22 and leave backslashes alone: only \" and \\ are escapes.
    if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
    out += rest[i];
  }
  rest.remove_prefix(std::min(i + 1, rest.size()));
  return out;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_blank(std::string_view text) {
  return trim(text).empty();
}

bool is_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::string printable(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  std::size_t end = std::min(text.size(), limit);
  // Not inside a character: bytes 10xxxxxx go on with one.
  while (cut && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  std::string out(text.substr(0, end));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return cut ? out + "..." : out;
}

std::string_view header(const Request& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value == nullptr ? std::string_view{} : trim(*value);
}

std::string media_type(std::string_view value) {
  return lower_case(trim(value.substr(0, value.find(';'))));
}

std::string header_parameter(std::string_view value, std::string_view name) {
  std::size_t next = value.find(';');
  std::string_view rest = next == std::string_view::npos ? std::string_view{} : value.substr(next);
  while (!rest.empty()) {
    rest.remove_prefix(1);  // ';', or what follows a quoted value
    const std::size_t equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos) return {};
    const std::string_view key = trim(rest.substr(0, equals));
    if (rest[equals] == ';') {
      rest.remove_prefix(equals);
      continue;
    }
    rest.remove_prefix(equals + 1);
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    std::string found = parameter_value(rest);
    if (same_name(key, name)) return found;
    next = rest.find(';');
    rest = next == std::string_view::npos ? std::string_view{} : rest.substr(next);
  }
  return {};
}

}  // namespace moonbeam::server
