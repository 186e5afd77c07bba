#include "text/kv_cache.h"

#include <cstring>

#include "base/error.h"

namespace moonbeam::text {

namespace {

std::size_t part_size(int width) {
  return static_cast<std::size_t>(width) * kernels::kKeyBlock;
}

}  // namespace

KvCache::KvCache(int layers, int heads, int head_width, int prefix)
    : layers_(layers), width_(heads * head_width), prefix_(prefix) {}

std::size_t KvCache::bytes() const noexcept {
  return blocks_.size() * static_cast<std::size_t>(layers_) * 2 * part_size(width_) * sizeof(float);
}

void KvCache::extend(int rows) {
  const std::size_t block_floats = static_cast<std::size_t>(layers_) * 2 * part_size(width_);
  const auto first = static_cast<std::size_t>(size_ / kernels::kKeyBlock);
  const auto end = static_cast<std::size_t>((size_ + rows + kernels::kKeyBlock - 1) / kernels::kKeyBlock);
  // Only the block that is partly filled can be shared and written at once.
  if (first < blocks_.size() && first < end && blocks_[first].use_count() > 1) {
    auto copy = std::make_shared<Block>(block_floats);
    std::memcpy(copy->data(), blocks_[first]->data(), block_floats * sizeof(float));
    blocks_[first] = std::move(copy);
  }
  while (blocks_.size() < end) blocks_.push_back(std::make_shared<Block>(block_floats));
}

void KvCache::truncate(int size) noexcept {
  MB_ASSERT(size <= size_);
  size_ = size;
  blocks_.resize(static_cast<std::size_t>((size + kernels::kKeyBlock - 1) / kernels::kKeyBlock));
}

void KvCache::blocks(int layer, std::vector<kernels::KeyBlock>& out) const {
  out.clear();
  for (const auto& block : blocks_) {
    const float* k = block->data() + static_cast<std::size_t>(layer) * 2 * part_size(width_);
    out.push_back({k, k + part_size(width_)});
  }
}

void KvCache::writable_blocks(int layer, std::vector<kernels::MutableKeyBlock>& out) {
  out.clear();
  for (const auto& block : blocks_) {
    float* k = block->data() + static_cast<std::size_t>(layer) * 2 * part_size(width_);
    out.push_back({k, k + part_size(width_)});
  }
}

}  // namespace moonbeam::text
