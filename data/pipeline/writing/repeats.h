// What was said before: 3-grams of words, against the last so many of the same kind (E9).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::pipeline {

/// Hashes, sorted; a text of fewer words is one.
std::vector<std::uint64_t> word_trigrams(std::string_view text);
double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b);

class Recent {
 public:
  explicit Recent(std::size_t window) : window_(window) {}
  /// Id of one that is as like it as that; "" for none.
  std::string like(const std::string& kind, const std::vector<std::uint64_t>& grams, double limit,
                   std::string_view except) const;
  /// The greatest likeness to one of them, 0 to 1.
  double likeness(const std::string& kind, const std::vector<std::uint64_t>& grams) const;
  void add(const std::string& kind, std::string id, std::vector<std::uint64_t> grams);

 private:
  struct Item {
    std::string id;
    std::vector<std::uint64_t> grams;
  };
  std::size_t window_;
  std::map<std::string, std::deque<Item>> items_;
};

}  // namespace moonbeam::pipeline
