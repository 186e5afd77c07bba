#include "data/pipeline/reduce/like_pictures.h"

#include <algorithm>
#include <cmath>

#include "data/pipeline/reduce/decisions.h"

namespace moonbeam::pipeline {

namespace {

// The mean of fewer pictures than this is more of them than of the encoder: subtracted whole, it would make
// two equal pictures alone in a run point apart.
constexpr double kFew = 50;

// Pictures that are compared with all before them at a time, those of one thread's turn, and those before
// them that stay in its cache meanwhile.
constexpr std::uint32_t kBlock = 512, kTurn = 32, kTile = 32;

/// 8 products an instruction where there is SSE2: compilers know this loop.
std::int32_t product(const std::int16_t* a, const std::int16_t* b, std::size_t width) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += std::int32_t{a[i]} * b[i];
  return sum;
}

}  // namespace

LikePictures::LikePictures(int width, double cosine)
    : width_(static_cast<std::size_t>(width)),
      least_(static_cast<std::int64_t>(
          std::floor((cosine - 0.00005) * static_cast<double>(kVectorScale) * kVectorScale))) {}

void LikePictures::add(const PictureVector& vector) {
  there_.push_back(!vector.empty());
  numbers_.insert(numbers_.end(), vector.begin(), vector.end());
  numbers_.resize(there_.size() * width_);
}

void LikePictures::centre() {
  std::vector<std::int64_t> sum(width_);
  std::int64_t count = 0;
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (!there_[i]) continue;
    ++count;
    for (std::size_t k = 0; k < width_; ++k) sum[k] += row(i)[k];
  }
  std::vector<float> values(width_);
  for (std::uint32_t i = 0; i < size(); ++i) {
    if (!there_[i]) continue;
    for (std::size_t k = 0; k < width_; ++k) {
      values[k] =
          static_cast<float>(row(i)[k] - static_cast<double>(sum[k]) / (static_cast<double>(count) + kFew));
    }
    const PictureVector vector = picture_vector(values);
    there_[i] = !vector.empty();
    std::copy(vector.begin(), vector.end(), numbers_.begin() + static_cast<std::ptrdiff_t>(i * width_));
  }
}

bool LikePictures::alike(std::uint32_t a, std::uint32_t b) const {
  return product(row(a), row(b), width_) >= least_;
}

void LikePictures::compare(std::uint32_t first, std::span<const std::uint32_t> kept,
                           std::span<std::uint32_t> like, base::ThreadPool& pool) const {
  const int turns = static_cast<int>((like.size() + kTurn - 1) / kTurn);
  pool.parallel_for(turns, [&](int turn, int) {
    const std::size_t begin = static_cast<std::size_t>(turn) * kTurn,
                      end = std::min(begin + kTurn, like.size());
    for (std::size_t tile = 0; tile < kept.size(); tile += kTile) {
      const std::span<const std::uint32_t> others =
          kept.subspan(tile, std::min<std::size_t>(kTile, kept.size() - tile));
      for (std::size_t i = begin; i < end; ++i) {
        const auto picture = first + static_cast<std::uint32_t>(i);
        if (like[i] != kNone || !there_[picture]) continue;
        const auto found = std::find_if(others.begin(), others.end(),
                                        [&](std::uint32_t other) { return alike(picture, other); });
        if (found != others.end()) like[i] = *found;
      }
    }
  });
}

void LikePictures::each(int threads,
                        const std::function<bool(std::uint32_t picture, std::uint32_t like)>& keep) const {
  base::ThreadPool pool(threads);
  std::vector<std::uint32_t> kept;  // with vectors
  for (std::uint32_t first = 0; first < size(); first += kBlock) {
    std::vector<std::uint32_t> like(std::min(kBlock, size() - first), kNone);
    const std::size_t before = kept.size();
    compare(first, kept, like, pool);
    for (std::uint32_t i = 0; i < like.size(); ++i) {
      const std::uint32_t picture = first + i;
      for (std::size_t k = before; k < kept.size() && like[i] == kNone && there_[picture]; ++k) {
        if (alike(picture, kept[k])) like[i] = kept[k];
      }
      if (keep(picture, like[i]) && there_[picture]) kept.push_back(picture);
    }
  }
}

}  // namespace moonbeam::pipeline
