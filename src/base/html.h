// Text on pages of HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace moonbeam::base {

/// Text that may hold anything, between tags or in double quotes.
inline std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace moonbeam::base
