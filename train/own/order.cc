#include "train/own/order.h"

#include <algorithm>
#include <cmath>

namespace moonbeam::train {

std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ x >> 27) * 0x94D049BB133111EBull;
  return x ^ x >> 31;
}

// A Feistel network turns the numbers below 4^bits into each other; what falls outside goes through again.
std::uint64_t shuffled(std::uint64_t seed, std::uint64_t round, std::uint64_t index, std::uint64_t count) {
  int bits = 1;
  while (bits < 31 && (std::uint64_t{1} << 2 * bits) < count) ++bits;
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  const std::uint64_t key = mix(seed ^ mix(round));
  do {
    std::uint64_t left = index >> bits, right = index & mask;
    for (std::uint64_t pass = 0; pass < 6; ++pass) {
      const std::uint64_t next = left ^ (mix(key + (pass << 32) + right) & mask);
      left = right;
      right = next;
    }
    index = left << bits | right;
  } while (index >= count);
  return index;
}

std::uint64_t kept_out(double share, std::uint64_t count) {
  if (share <= 0 || count < 2) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::llround(share * static_cast<double>(count)));
  return std::clamp<std::uint64_t>(wanted, 1, count - 1);
}

Mixed mixed(double share, std::uint64_t index) {
  const auto before = [&](std::uint64_t n) {
    return static_cast<std::uint64_t>(std::floor(share * static_cast<double>(n)));
  };
  const std::uint64_t second = before(index);
  if (before(index + 1) > second) return {true, second};
  return {false, index - second};
}

}  // namespace moonbeam::train
