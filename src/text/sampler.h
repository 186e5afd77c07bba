// Logits to a token id: greedy, or temperature and top-p with our own seeded draws (model.md 6).
// Leaves suppression of ids (logits set to -inf before the call) and stopping to the tasks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moonbeam::text {

struct SamplingOptions {
  float temperature = 0.0f;  ///< 0: greedy
  float top_p = 1.0f;        ///< keep the likeliest tokens up to this much probability; at least one stays
  std::uint64_t seed = 0;    ///< used only where temperature > 0

  void validate() const;  ///< throws kInvalidArgument: temperature finite and >= 0, top_p in [0, 1]
};

/// xoshiro256** seeded by splitmix64: the same numbers on every machine.
class RandomGenerator {
 public:
  explicit RandomGenerator(std::uint64_t seed) noexcept;
  std::uint64_t next() noexcept;
  /// In [0, 1), with 53 random bits.
  double uniform() noexcept;

 private:
  std::uint64_t state_[4];
};

/// Highest logit, the lowest id among equals; -1 if there is a NaN or +inf, or nothing but -inf.
int argmax(std::span<const float> logits) noexcept;

/// One per sequence. Allocates on the first draw only.
class Sampler {
 public:
  /// What sample() returns for logits that no token can be drawn from: a NaN, +inf, or nothing but -inf. The
  /// caller ends the request with an error that names the stage.
  static constexpr int kNoToken = -1;

  /// @throws Error kInvalidArgument (see SamplingOptions).
  explicit Sampler(const SamplingOptions& options);
  int sample(std::span<const float> logits);

 private:
  friend bool filtered_probabilities(std::span<const float>, float, float, std::span<float>);
  struct Candidate {
    float probability;  // not normalised: exp((logit - max) / T)
    int id;
  };
  // Fills candidates_ with the tokens that survive and total_ with their sum; false for unusable logits.
  bool filter(std::span<const float> logits);

  SamplingOptions options_;
  RandomGenerator random_;
  std::vector<Candidate> candidates_;
  double total_ = 0;
};

/// Probabilities that sample() draws from, [vocab], zero where filtered out; temperature > 0. False, with
/// `out` untouched, for logits that sample() refuses.
bool filtered_probabilities(std::span<const float> logits, float temperature, float top_p,
                            std::span<float> out);

}  // namespace moonbeam::text
