#include "text/kv_cache.h"

#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "ops/attention.h"

namespace moonbeam::text {

KvCache::KvCache(int layers, int heads, int head_width, int prefix, ops::Precision precision)
    : layers_(layers), prefix_(prefix), precision_(precision) {
  if (precision == ops::Precision::kF32) {
    key_bytes_ = value_bytes_ = ops::block_elements(heads, head_width) * sizeof(float);
  } else {
    key_bytes_ = ops::key_elements16(heads, head_width) * sizeof(std::uint16_t);
    value_bytes_ = ops::value_elements16(heads, head_width) * sizeof(std::uint16_t);
  }
}

std::size_t KvCache::block_bytes() const noexcept {
  return static_cast<std::size_t>(layers_) * (key_bytes_ + value_bytes_);
}

std::size_t KvCache::bytes() const noexcept {
  return blocks_.size() * block_bytes();
}

void KvCache::extend(int rows) {
  const auto first = static_cast<std::size_t>(size_ / kernels::kKeyBlock);
  const auto end = static_cast<std::size_t>((size_ + rows + kernels::kKeyBlock - 1) / kernels::kKeyBlock);
  // Only the block that is partly filled can be shared and written at once.
  if (first < blocks_.size() && first < end && blocks_[first].use_count() > 1) {
    auto copy = std::make_shared<Block>(block_bytes());
    std::memcpy(copy->data(), blocks_[first]->data(), block_bytes());
    blocks_[first] = std::move(copy);
  }
  while (blocks_.size() < end) blocks_.push_back(std::make_shared<Block>(block_bytes()));
}

void KvCache::truncate(int size) noexcept {
  MB_ASSERT(size <= size_);
  size_ = size;
  blocks_.resize(static_cast<std::size_t>((size + kernels::kKeyBlock - 1) / kernels::kKeyBlock));
}

template <class Element, class View>
void KvCache::list(int layer, std::vector<View>& out) const {
  out.clear();
  for (const auto& block : blocks_) {
    std::byte* k = block->data() + static_cast<std::size_t>(layer) * (key_bytes_ + value_bytes_);
    out.push_back({reinterpret_cast<Element*>(k), reinterpret_cast<Element*>(k + key_bytes_)});
  }
}

void KvCache::blocks(int layer, std::vector<kernels::KeyBlock>& out) const {
  MB_ASSERT(precision_ == ops::Precision::kF32);
  list<float>(layer, out);
}
void KvCache::blocks(int layer, std::vector<kernels::KeyBlock16>& out) const {
  MB_ASSERT(precision_ == ops::Precision::kBF16);
  list<std::uint16_t>(layer, out);
}
void KvCache::writable_blocks(int layer, std::vector<kernels::MutableKeyBlock>& out) {
  MB_ASSERT(precision_ == ops::Precision::kF32);
  list<float>(layer, out);
}
void KvCache::writable_blocks(int layer, std::vector<kernels::MutableKeyBlock16>& out) {
  MB_ASSERT(precision_ == ops::Precision::kBF16);
  list<std::uint16_t>(layer, out);
}

}  // namespace moonbeam::text
