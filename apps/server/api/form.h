// Fields that are no JSON: query strings, forms, and forms with files.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moonbeam::server {

using FormFields = std::vector<std::pair<std::string, std::string>>;

/// `a=b&c=d` with %XX and '+' undone, in order; a name without '=' has an empty value.
/// @throws Refusal 400 (a percent sign without two digits, no UTF-8, more than 200 fields).
FormFields read_form(std::string_view text);

struct FormPart {
  std::string name;
  bool file = false;  ///< had a file name or a content type
  std::string content_type = {};
  std::string_view content = {};  ///< points into the body
};

/// multipart/form-data (RFC 7578). @throws Refusal 400 (no boundary, cut off, more than 100 parts).
std::vector<FormPart> read_multipart(std::string_view body, std::string_view boundary);

}  // namespace moonbeam::server
