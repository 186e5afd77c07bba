// What an HTTP status asks for, and how long to wait before the next try (data.md 6.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace moonbeam::llm {

enum class StatusRule { kAnswer, kRetry, kReject, kStop };
StatusRule rule_of(int status) noexcept;

/// Before try `k` + 2 (k from 0): min(60 s, base * 2^k) * uniform(0.5, 1.5), the draw a pure function of
/// `rng` and k.
double backoff_ms(int k, std::uint64_t rng, double base_ms = 500) noexcept;

/// Milliseconds that a Retry-After header asks for: seconds, or a date in any of HTTP's three forms against
/// `now` (seconds since 1970). None where it is neither.
std::optional<double> retry_after_ms(std::string_view header, std::int64_t now);

}  // namespace moonbeam::llm
