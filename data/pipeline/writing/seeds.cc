#include "data/pipeline/writing/seeds.h"

#include <numeric>
#include <utility>

#include "data/scenes/random.h"

namespace moonbeam::pipeline {

namespace {

constexpr std::uint64_t kSalt = 0x73656564;

/// The whole shuffle for a few nouns: some thousand draws, little beside one call.
std::vector<std::uint32_t> shuffle(std::size_t size, std::uint64_t seed, std::uint64_t turn) {
  data::Stream draws(seed, kSalt, turn, data::Part::kPipeline);
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = 0; i + 1 < size; ++i) {
    std::swap(order[i], order[i + draws.below(static_cast<std::uint32_t>(size - i))]);
  }
  return order;
}

}  // namespace

std::vector<std::string> seed_nouns(const std::vector<std::string>& nouns, std::uint64_t seed,
                                    std::int64_t ordinal, int count) {
  std::vector<std::string> out;
  if (nouns.empty()) return out;
  std::vector<std::uint32_t> order;
  std::uint64_t turn = ~std::uint64_t{0};
  for (int i = 0; i < count; ++i) {
    const std::uint64_t at = static_cast<std::uint64_t>(ordinal) * static_cast<std::uint64_t>(count) +
                             static_cast<std::uint64_t>(i);
    if (const std::uint64_t its = at / nouns.size(); its != turn) {
      turn = its;
      order = shuffle(nouns.size(), seed, turn);
    }
    out.push_back(nouns[order[at % nouns.size()]]);
  }
  return out;
}

}  // namespace moonbeam::pipeline
