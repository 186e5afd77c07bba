// What was said before: 3-grams of words and vectors, against the last so many of the same kind (E9).
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
  /// Id of one with the same answer whose vector has a cosine over `limit` with this one; "" for none, and
  /// for a vector of no length. "There are 2 dogs." and "There are 3 dogs." mean nearly the same to an
  /// encoder, and are what counting is learnt from.
  std::string near(const std::string& kind, const std::vector<float>& vector, std::string_view answer,
                   double limit, std::string_view except) const;
  void add(const std::string& kind, std::string id, std::vector<std::uint64_t> grams,
           const std::vector<float>& vector = {}, std::string answer = {});

 private:
  struct Item {
    std::string id;
    std::vector<std::uint64_t> grams;
    std::vector<float> vector;  // 1 long, or empty
    std::string answer;
  };
  std::size_t window_;
  std::map<std::string, std::deque<Item>> items_;
};

}  // namespace moonbeam::pipeline
