#include "data/formats/record_text.h"

#include <algorithm>

namespace moonbeam::data {

std::string squeezed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  std::string out;
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    if (!out.empty()) out += ' ';
    out += text.substr(at, end - at);
    at = text.find_first_not_of(kSpace, end);
  }
  return out;
}

}  // namespace moonbeam::data
