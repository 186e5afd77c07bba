// Orders that are a function of a seed alone: no list to keep, nothing to draw up to a place.
#pragma once

#include <cstdint>

namespace moonbeam::train {

/// SplitMix64's step: neighbouring numbers become unlike ones.
std::uint64_t mix(std::uint64_t x);

/// Place `index` of the numbers 0 .. count - 1 in an order that (seed, round) decide: for every pair the
/// indices 0 .. count - 1 give each number once. index < count.
std::uint64_t shuffled(std::uint64_t seed, std::uint64_t round, std::uint64_t index, std::uint64_t count);

/// How many of `count` pictures a share keeps out: one at least where it is above 0, never all.
std::uint64_t kept_out(double share, std::uint64_t count);

/// Two kinds of things in turn, `share` of them of the second kind, as evenly as can be.
struct Mixed {
  bool second = false;
  std::uint64_t index = 0;  ///< among those of its kind
};
Mixed mixed(double share, std::uint64_t index);

}  // namespace moonbeam::train
