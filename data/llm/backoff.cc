#include "data/llm/backoff.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "data/llm/call.h"

namespace moonbeam::llm {

namespace {
constexpr double kCapMs = 60'000;
constexpr std::uint64_t kWaits = 0x7761697473;  // draws for waits are not those for seeds
}  // namespace

StatusRule rule_of(int status) noexcept {
  switch (status) {
    case 200:
      return StatusRule::kAnswer;
    case 401:
    case 403:
      return StatusRule::kStop;
    case 408:
    case 409:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return StatusRule::kRetry;
    default:
      return StatusRule::kReject;
  }
}

double backoff_ms(int k, std::uint64_t rng, double base_ms) noexcept {
  const double wait = std::min(kCapMs, base_ms * std::exp2(std::min(k, 30)));
  const double draw =
      static_cast<double>(mix(rng ^ kWaits, static_cast<std::uint64_t>(k)) >> 11) * 0x1p-53;  // [0, 1)
  return wait * (0.5 + draw);
}

std::optional<double> retry_after_ms(std::string_view header, std::int64_t now) {
  while (!header.empty() && (header.front() == ' ' || header.front() == '\t')) header.remove_prefix(1);
  while (!header.empty() && (header.back() == ' ' || header.back() == '\r')) header.remove_suffix(1);
  if (header.empty()) return std::nullopt;
  double seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error == std::errc() && end == header.data() + header.size()) {
    return std::isfinite(seconds) && seconds >= 0 ? std::optional(seconds * 1000) : std::nullopt;
  }
  const std::string text(header);
  const time_t date = curl_getdate(text.c_str(), nullptr);
  if (date == -1) return std::nullopt;
  return std::max(0.0, static_cast<double>(date - now) * 1000);
}

}  // namespace moonbeam::llm
