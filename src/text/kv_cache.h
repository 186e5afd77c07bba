// Keys and values of one sequence. Forks share what they have in common.
#pragma once

#include <memory>
#include <vector>

#include "base/buffer.h"
#include "kernels/kernels.h"

namespace moonbeam::text {

/// Blocks of kernels::kKeyBlock positions, each with all layers. A block that several caches share is read
/// only; extend() copies it for the cache that writes, so an encoded picture serves any number of questions
/// at the price of one block each. A cache belongs to one thread at a time; forking a cache that nobody
/// writes is safe from many.
class KvCache {
 public:
  /// Positions below `prefix` see each other both ways; all of them must be stored by one pass.
  KvCache(int layers, int heads, int head_width, int prefix = 0);
  KvCache(KvCache&&) = default;
  KvCache& operator=(KvCache&&) = default;

  /// A second sequence with the same past. Costs pointers only.
  KvCache fork() const { return KvCache(*this); }

  int size() const noexcept { return size_; }  ///< positions stored
  int prefix() const noexcept { return prefix_; }
  std::size_t bytes() const noexcept;  ///< of its blocks, shared or not

  /// Makes room to write positions [size(), size() + rows).
  void extend(int rows);
  /// Counts rows written after extend() as stored.
  void commit(int rows) noexcept { size_ += rows; }
  /// Forgets positions from `size` on.
  void truncate(int size) noexcept;

  /// Block pointers of a layer, `out` [blocks].
  void blocks(int layer, std::vector<kernels::KeyBlock>& out) const;
  void writable_blocks(int layer, std::vector<kernels::MutableKeyBlock>& out);

 private:
  using Block = base::Buffer<float>;  // [layers, 2, heads * head_width * kKeyBlock]
  KvCache(const KvCache&) = default;

  int layers_, width_;  // width: heads * head_width
  int prefix_;
  int size_ = 0;
  std::vector<std::shared_ptr<Block>> blocks_;
};

}  // namespace moonbeam::text
