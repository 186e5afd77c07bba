// Random numbers that are a pure function of what they are for: (seed, split, index, part). Each part of a
// scene draws from a stream of its own, so that a change in one does not shift the others.
#pragma once

#include <cstdint>
#include <span>

namespace moonbeam::data {

/// What a stream is for. Values are part of the data's definition: never renumber, only append.
enum class Part : std::uint32_t {
  kLayout = 1,
  kBackground = 2,
  kSprite = 3,
  kDegrade = 4,
  kText = 5,
  kQuestions = 6,
  kNoise = 7,
  kNarrative = 8,
  kPipeline = 9,
  kHand = 10,
};

/// Counter-based stream (Philox4x32-10): same numbers on every machine and compiler. No state is shared.
class Stream {
 public:
  Stream(std::uint64_t seed, std::uint64_t split, std::uint64_t index, Part part);

  std::uint32_t next();                          ///< 32 uniform bits
  std::uint32_t below(std::uint32_t n);          ///< uniform in [0, n), n > 0, without bias
  int between(int low, int high);                ///< uniform in [low, high]
  float uniform();                               ///< [0, 1), 24 bits
  float uniform(float low, float high);          ///< [low, high)
  bool chance(double p);                         ///< true with probability p
  float normal();                                ///< mean 0, deviation 1; sum-free, the same bits everywhere
  int weighted(std::span<const float> weights);  ///< index with probability weight / sum

 private:
  std::uint32_t key_[2], counter_[4], block_[4];
  int used_;
};

}  // namespace moonbeam::data
