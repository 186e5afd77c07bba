#include "server/api/json_out.h"

#include <cmath>

namespace moonbeam::server {

std::string json_text(const JsonOut& value) {
  return value.dump(-1, ' ', true, JsonOut::error_handler_t::replace);
}

double rounded(double value) noexcept {
  if (!std::isfinite(value)) return 0;
  const double scaled = std::round(value * 1e6) / 1e6;
  // Past 2^53 / 1e6 there are no decimals left to cut, and the product may overflow. Never -0.
  return std::abs(value) > 9e9 ? value : scaled + 0.0;
}

}  // namespace moonbeam::server
