#include "data/llm/json_text.h"

namespace moonbeam::llm {

namespace {

/// Calls use(depth behind it, its place) for each bracket outside of strings, while that gives true.
template <typename Use>
void each_bracket(std::string_view text, Use use) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (!use(++depth, i)) return;
    } else if (c == '}' || c == ']') {
      if (!use(--depth, i)) return;
    }
  }
}

/// Where the bracket at text[0] closes, past it; npos where it does not, or the depth is too great.
std::size_t matching_end(std::string_view text) {
  std::size_t end = std::string_view::npos;
  each_bracket(text, [&](int depth, std::size_t at) {
    if (depth == 0) end = at + 1;
    return depth > 0 && depth <= kMaxDepth;
  });
  return end;
}

bool is_deeper(std::string_view text, int most) {
  bool deeper = false;
  each_bracket(text, [&](int depth, std::size_t) {
    deeper = depth > most;
    return !deeper;
  });
  return deeper;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

}  // namespace

std::optional<Json> parse_bounded(std::string_view text, int most_depth) {
  // The parser takes a NUL for the end.
  if (text.find('\0') != std::string_view::npos || is_deeper(text, most_depth)) return std::nullopt;
  Json value = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

std::optional<Json> find_json(std::string_view text, bool& mended) {
  mended = false;
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  if (std::optional<Json> whole = parse_bounded(text)) return whole;
  const std::size_t start = text.find_first_of("{[");
  if (start == std::string_view::npos) return std::nullopt;
  const std::size_t length = matching_end(text.substr(start));
  if (length == std::string_view::npos || (start == 0 && length == text.size())) return std::nullopt;
  std::optional<Json> inner = parse_bounded(text.substr(start, length));
  mended = inner.has_value();
  return inner;
}

}  // namespace moonbeam::llm
