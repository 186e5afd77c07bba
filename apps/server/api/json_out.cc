#include "server/api/json_out.h"

#include <cmath>
#include <limits>

namespace moonbeam::server {

std::string json_text(const JsonOut& value) {
  return value.dump(-1, ' ', true, JsonOut::error_handler_t::replace);
}

float rounded(double value) noexcept {
  if (!(std::abs(value) <= std::numeric_limits<float>::max())) return 0;
  // Past 2^24 a float has no decimals to cut. Never -0.
  return static_cast<float>(std::abs(value) > 2e7 ? value : std::round(value * 1e6) / 1e6 + 0.0);
}

}  // namespace moonbeam::server
