// Finds pictures whose vectors point the same way, by comparing all of them: 2 bytes a number, sums of whole
// numbers, so that neither threads nor order change a bit.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "data/pipeline/reduce/picture_vectors.h"

namespace moonbeam::pipeline {

class LikePictures {
 public:
  /// `cosine`: from here on two are alike, to four digits.
  LikePictures(int width, double cosine);

  void reserve(std::size_t pictures) { numbers_.reserve(pictures * width_); }
  /// The next one's; empty: it is like nothing.
  void add(const PictureVector& vector);
  std::uint32_t size() const { return static_cast<std::uint32_t>(there_.size()); }

  /// Takes away what all pictures have in common, without which any two of a small encoder are alike: the
  /// mean, which counts the less the fewer pictures there are.
  void centre();

  /// Asks `keep(picture, like)` of all in their order: `like` is the first of those that it kept that this
  /// one is like; kNone: it is like none. What it does not keep is nobody's model.
  void each(int threads, const std::function<bool(std::uint32_t picture, std::uint32_t like)>& keep) const;

 private:
  const std::int16_t* row(std::uint32_t picture) const {
    return numbers_.data() + static_cast<std::size_t>(picture) * width_;
  }
  bool alike(std::uint32_t a, std::uint32_t b) const;
  /// The first of `kept` that each picture from `first` on is like. [like.size()]
  void compare(std::uint32_t first, std::span<const std::uint32_t> kept, std::span<std::uint32_t> like,
               base::ThreadPool& pool) const;

  std::size_t width_;
  std::int64_t least_;                 // of the sum of products
  std::vector<std::int16_t> numbers_;  // [pictures, width]
  std::vector<bool> there_;            // has a vector
};

}  // namespace moonbeam::pipeline
