#include "data/scenes/random.h"

#include <array>
#include <cmath>

#include "base/error.h"
#include "data/scenes/maths.h"

namespace moonbeam::data {

namespace {

using Words = std::array<std::uint32_t, 4>;

/// Philox4x32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
Words philox(Words counter, std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(a)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

std::uint32_t low(std::uint64_t x) {
  return static_cast<std::uint32_t>(x);
}
std::uint32_t high(std::uint64_t x) {
  return static_cast<std::uint32_t>(x >> 32);
}

template <std::size_t N>
double polynomial(const double (&highest_first)[N], double x) {
  double value = 0;
  for (const double c : highest_first) value = value * x + c;
  return value;
}

/// Quantile of the normal distribution: Wichura's algorithm AS 241, PPND7 (about 7 digits).
double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial({5.9109374720e1, 1.5929113202e2, 5.0434271938e1, 3.3871327179e0}, r) /
           polynomial({6.7187563600e1, 7.8757757664e1, 1.7895169469e1, 1.0}, r);
  }
  double r = std::sqrt(-logarithm(q < 0 ? p : 1 - p));
  double value = 0;
  if (r <= 5) {
    r -= 1.6;
    value = polynomial({1.7023821103e-1, 1.3067284816e0, 2.7568153900e0, 1.4234372777e0}, r) /
            polynomial({1.2021132975e-1, 7.3700164250e-1, 1.0}, r);
  } else {
    r -= 5;
    value = polynomial({1.7337203997e-2, 4.2868294337e-1, 3.0812263860e0, 6.6579051150e0}, r) /
            polynomial({1.2258202635e-2, 2.4197894225e-1, 1.0}, r);
  }
  return q < 0 ? -value : value;
}

}  // namespace

Stream::Stream(std::uint64_t seed, std::uint64_t split, std::uint64_t index, Part part) : used_(4) {
  // One round of its own mixes what does not fit the counter: streams of two parts share no key.
  const Words key =
      philox({low(split), high(split), static_cast<std::uint32_t>(part), 0x6d6f6f6e}, low(seed), high(seed));
  key_[0] = key[0];
  key_[1] = key[1];
  counter_[0] = counter_[1] = 0;
  counter_[2] = low(index);
  counter_[3] = high(index);
  block_[0] = block_[1] = block_[2] = block_[3] = 0;
}

std::uint32_t Stream::next() {
  if (used_ == 4) {
    const Words words = philox({counter_[0], counter_[1], counter_[2], counter_[3]}, key_[0], key_[1]);
    for (int i = 0; i < 4; ++i) block_[i] = words[static_cast<std::size_t>(i)];
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

std::uint32_t Stream::below(std::uint32_t n) {
  MB_ASSERT(n > 0);
  // Lemire's multiply-and-reject: the high word of a product, without the few values that would be more
  // often.
  std::uint64_t product = std::uint64_t{next()} * n;
  if (low(product) < n) {
    const std::uint32_t threshold = (0u - n) % n;
    while (low(product) < threshold) product = std::uint64_t{next()} * n;
  }
  return high(product);
}

int Stream::between(int low_end, int high_end) {
  MB_ASSERT(low_end <= high_end);
  const auto values = static_cast<std::uint32_t>(static_cast<std::int64_t>(high_end) - low_end + 1);
  return static_cast<int>(low_end + static_cast<std::int64_t>(values == 0 ? next() : below(values)));
}

float Stream::uniform() {
  return static_cast<float>(next() >> 8) * 0x1p-24f;
}

float Stream::uniform(float low_end, float high_end) {
  return low_end + (high_end - low_end) * uniform();
}

bool Stream::chance(double p) {
  return static_cast<double>(next()) < p * 0x1p32;
}

float Stream::normal() {
  return static_cast<float>(normal_quantile((static_cast<double>(next()) + 0.5) * 0x1p-32));
}

int Stream::weighted(std::span<const float> weights) {
  MB_ASSERT(!weights.empty());
  double sum = 0;
  for (const float weight : weights) sum += weight;
  double rest = static_cast<double>(next()) * 0x1p-32 * sum;
  int last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = static_cast<int>(i);
    if (rest < weights[i]) break;
    rest -= weights[i];
  }
  return last;
}

}  // namespace moonbeam::data
