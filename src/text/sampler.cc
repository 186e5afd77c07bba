// Sums are taken in double and in a fixed order, so that a draw depends on logits and seed alone.
#include "text/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace moonbeam::text {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Top-p keeps a handful of tokens as a rule: sorting all 51200 would cost more than it is worth.
constexpr std::size_t kFirstSorted = 64;

std::uint64_t splitmix64(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  return z ^ z >> 31;
}

}  // namespace

void SamplingOptions::validate() const {
  if (!(temperature >= 0.0f) || !std::isfinite(temperature)) {
    base::fail(ErrorCode::kInvalidArgument, "temperature: expected a number >= 0, got ", double{temperature});
  }
  if (!(top_p >= 0.0f && top_p <= 1.0f)) {
    base::fail(ErrorCode::kInvalidArgument, "top_p: expected 0..1, got ", double{top_p});
  }
}

RandomGenerator::RandomGenerator(std::uint64_t seed) noexcept {
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

std::uint64_t RandomGenerator::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double RandomGenerator::uniform() noexcept {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

int argmax(std::span<const float> logits) noexcept {
  int best = -1;
  float highest = -kInfinity;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] < kInfinity)) return -1;
    if (logits[id] > highest) {
      highest = logits[id];
      best = static_cast<int>(id);
    }
  }
  return best;
}

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
  options.validate();
}

bool Sampler::filter(std::span<const float> logits) {
  const int best = argmax(logits);
  if (best < 0) return false;
  const double highest = logits[static_cast<std::size_t>(best)];
  candidates_.clear();
  candidates_.reserve(logits.size());
  total_ = 0;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    const auto weight = static_cast<float>(std::exp((logits[id] - highest) / options_.temperature));
    if (weight > 0) candidates_.push_back({weight, static_cast<int>(id)});
    total_ += weight;
  }
  if (options_.top_p >= 1.0f) return true;

  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.id < b.id;
  };
  const double limit = options_.top_p * total_;
  double before = 0;
  std::size_t kept = 0;
  for (std::size_t sorted = kFirstSorted;; sorted *= 8) {
    sorted = std::min(sorted, candidates_.size());
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(sorted);
    std::partial_sort(candidates_.begin(), end, candidates_.end(), likelier);
    for (before = 0, kept = 0; kept < sorted && before <= limit; ++kept)
      before += candidates_[kept].probability;
    if (before > limit || sorted == candidates_.size()) break;
  }
  candidates_.resize(kept);
  total_ = before;
  return true;
}

int Sampler::sample(std::span<const float> logits) {
  if (options_.temperature == 0.0f) return argmax(logits);
  if (!filter(logits)) return kNoToken;
  double left = random_.uniform() * total_;
  for (const Candidate& candidate : candidates_) {
    left -= candidate.probability;
    if (left < 0) return candidate.id;
  }
  return candidates_.back().id;
}

bool filtered_probabilities(std::span<const float> logits, float temperature, float top_p,
                            std::span<float> out) {
  if (!(temperature > 0) || out.size() != logits.size()) {
    base::fail(ErrorCode::kInvalidArgument, "filtered_probabilities: expected temperature > 0 and ",
               logits.size(), " places, got ", double{temperature}, " and ", out.size());
  }
  Sampler sampler({.temperature = temperature, .top_p = top_p});
  if (!sampler.filter(logits)) return false;
  std::fill(out.begin(), out.end(), 0.0f);
  for (const auto& [probability, id] : sampler.candidates_) {
    out[static_cast<std::size_t>(id)] = static_cast<float>(probability / sampler.total_);
  }
  return true;
}

}  // namespace moonbeam::text
