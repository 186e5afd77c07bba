#include "data/llm/result.h"

#include <array>

namespace moonbeam::llm {

namespace {
constexpr std::array<std::string_view, kOutcomes> kNames = {
    "answer",   "refusal", "cut",  "empty",       "not_json", "wrong_schema", "broken",    "too_long",
    "rejected", "denied",  "busy", "unreachable", "timeout",  "over_budget",  "cancelled", "deferred"};
}  // namespace

std::string_view outcome_name(Outcome outcome) noexcept {
  return kNames[static_cast<std::size_t>(outcome)];
}

std::optional<Outcome> find_outcome(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

bool is_final(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::kAnswer:
    case Outcome::kRefusal:
    case Outcome::kCut:
    case Outcome::kEmpty:
    case Outcome::kNotJson:
    case Outcome::kWrongSchema:
    case Outcome::kTooLong:
    case Outcome::kRejected:
      return true;
    default:
      return false;
  }
}

Usage& Usage::operator+=(const Usage& other) noexcept {
  prompt += other.prompt;
  completion += other.completion;
  cached += other.cached;
  return *this;
}

}  // namespace moonbeam::llm
