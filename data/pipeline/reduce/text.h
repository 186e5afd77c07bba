// Texts as the reduce step compares them: hashes of words, shingles, MinHash.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::pipeline {

std::uint64_t hash_of(std::string_view text);
/// Of both, in this order.
std::uint64_t joined_hash(std::uint64_t a, std::uint64_t b);
/// 16 bytes.
std::string wide_hash(std::string_view text);

/// Lower case (ASCII), runs of whitespace as one space, none at the ends.
std::string squeezed(std::string_view text);
/// Runs of letters, digits and bytes beyond ASCII, in lower case.
std::vector<std::string> plain_words(std::string_view text);

/// Hashes of the runs of `length` words, or letters of the squeezed text; one of all where there are fewer.
/// Sorted, each once.
std::vector<std::uint64_t> word_shingles(std::string_view text, int length);
std::vector<std::uint64_t> letter_shingles(std::string_view text, int length);

struct MinHashShape {
  int bands = 14, rows = 8;
};
/// A hash for each band: sets of likeness s share one at least with probability 1 - (1 - s^rows)^bands.
std::vector<std::uint64_t> min_hash(const std::vector<std::uint64_t>& shingles, const MinHashShape& shape);

/// Sets that are joined know themselves by their first member.
class UnionFind {
 public:
  explicit UnionFind(std::size_t size) : parent_(size) {
    for (std::size_t i = 0; i < size; ++i) parent_[i] = static_cast<std::uint32_t>(i);
  }
  std::uint32_t first(std::uint32_t member);
  void join(std::uint32_t a, std::uint32_t b);

 private:
  std::vector<std::uint32_t> parent_;
};

}  // namespace moonbeam::pipeline
