// Finds 64-bit hashes that differ in a few bits: those agree in one of some blocks at least, so only hashes
// that share a block are compared.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace moonbeam::pipeline {

class HashIndex {
 public:
  /// `bits`: the most that may differ, 0 to 15.
  explicit HashIndex(int bits) : bits_(bits), blocks_(static_cast<std::size_t>(bits) + 1) {}

  /// The number of the first that was added within `bits`.
  std::optional<std::uint32_t> near(std::uint64_t hash) const {
    std::optional<std::uint32_t> first;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const auto found = blocks_[i].find(block(hash, i));
      if (found == blocks_[i].end()) continue;
      for (const std::uint32_t at : found->second) {
        if (first && at >= *first) break;
        if (std::popcount(hashes_[at] ^ hash) <= bits_) first = at;
      }
    }
    if (first) return numbers_[*first];
    return std::nullopt;
  }
  void add(std::uint64_t hash, std::uint32_t number) {
    const auto at = static_cast<std::uint32_t>(hashes_.size());
    hashes_.push_back(hash);
    numbers_.push_back(number);
    for (std::size_t i = 0; i < blocks_.size(); ++i) blocks_[i][block(hash, i)].push_back(at);
  }
  std::size_t size() const { return hashes_.size(); }

 private:
  std::uint64_t block(std::uint64_t hash, std::size_t i) const {
    const std::size_t count = blocks_.size(), begin = 64 * i / count, end = 64 * (i + 1) / count;
    return end - begin == 64 ? hash : hash >> begin & ((std::uint64_t{1} << (end - begin)) - 1);
  }

  int bits_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::unordered_map<std::uint64_t, std::vector<std::uint32_t>>> blocks_;
};

}  // namespace moonbeam::pipeline
