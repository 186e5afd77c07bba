#include "server/api/form.h"

#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

constexpr std::size_t kMaxFields = 200, kMaxParts = 100;

[[noreturn]] void fail(const std::string& message) {
  throw Refusal(400, "invalid_value", message);
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1, low = high < 0 ? -1 : hex(text[i + 2]);
    if (low < 0) fail("form or query string: expected two hexadecimal digits after '%'");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!is_utf8(out)) fail("form or query string: expected UTF-8");
  return out;
}

// Headers of a part up to the empty line, which `rest` then begins behind.
FormPart read_part_headers(std::string_view& rest) {
  FormPart out;
  for (;;) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) fail("multipart: a part is cut off in its headers");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.empty()) return out;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) fail("multipart: expected a header with a colon");
    const std::string name = lower_case(trim(line.substr(0, colon)));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-type") {
      out.content_type = media_type(value);
      out.file = true;
    } else if (name == "content-disposition") {
      out.name = header_parameter(value, "name");
      out.file = out.file || value.find("filename") != std::string_view::npos;
    }
  }
}

}  // namespace

FormFields read_form(std::string_view text) {
  FormFields out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.empty()) continue;
    if (out.size() == kMaxFields)
      fail("form or query string: expected at most " + std::to_string(kMaxFields) + " fields");
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view value = equals < field.size() ? field.substr(equals + 1) : std::string_view{};
    out.emplace_back(decoded(field.substr(0, equals)), decoded(value));
  }
  return out;
}

std::vector<FormPart> read_multipart(std::string_view body, std::string_view boundary) {
  if (boundary.empty() || boundary.size() > 70) fail("multipart: expected a boundary of 1 to 70 characters");
  // The first boundary may stand at the very beginning; all others have a line's end in front of them.
  const std::string opening = "--" + std::string(boundary), between = "\r\n" + opening;
  std::size_t at = body.substr(0, opening.size()) == opening ? opening.size() : std::string_view::npos;
  if (at == std::string_view::npos) {
    at = body.find(between);
    if (at == std::string_view::npos) fail("multipart: the boundary of Content-Type is not in the body");
    at += between.size();
  }
  std::vector<FormPart> out;
  std::string_view rest = body.substr(at);
  for (;;) {
    if (rest.substr(0, 2) == "--") return out;
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    if (rest.substr(0, 2) != "\r\n") fail("multipart: expected the end of a line after a boundary");
    rest.remove_prefix(2);
    if (out.size() == kMaxParts) fail("multipart: expected at most " + std::to_string(kMaxParts) + " parts");
    FormPart part = read_part_headers(rest);
    // An empty part's boundary follows its empty line at once.
    const bool empty = rest.substr(0, opening.size()) == opening;
    const std::size_t end = empty ? 0 : rest.find(between);
    if (end == std::string_view::npos) fail("multipart: a part is cut off: its boundary is missing");
    part.content = rest.substr(0, end);
    rest.remove_prefix(end + (empty ? opening.size() : between.size()));
    out.push_back(std::move(part));
  }
}

}  // namespace moonbeam::server
