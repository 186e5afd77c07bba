// Keys and values of one sequence. Forks share what they have in common.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/buffer.h"
#include "kernels/kernels.h"
#include "ops/context.h"

namespace moonbeam::text {

/// Blocks of kernels::kKeyBlock positions, each with all layers. A block that several caches share is read
/// only; extend() copies it for the cache that writes, so an encoded picture serves any number of questions
/// at the price of one block each. A cache belongs to one thread at a time; forking a cache that nobody
/// writes is safe from many.
class KvCache {
 public:
  /// Positions below `prefix` see each other both ways; all of them must be stored by one pass.
  KvCache(int layers, int heads, int head_width, int prefix = 0,
          ops::Precision precision = ops::Precision::kF32);
  KvCache(KvCache&&) = default;
  KvCache& operator=(KvCache&&) = default;

  /// A second sequence with the same past. Costs pointers only.
  KvCache fork() const { return KvCache(*this); }

  int size() const noexcept { return size_; }  ///< positions stored
  int prefix() const noexcept { return prefix_; }
  ops::Precision precision() const noexcept { return precision_; }
  std::size_t bytes() const noexcept;  ///< of its blocks, shared or not

  /// Makes room to write positions [size(), size() + rows).
  void extend(int rows);
  /// Counts rows written after extend() as stored.
  void commit(int rows) noexcept { size_ += rows; }
  /// Forgets positions from `size` on.
  void truncate(int size) noexcept;

  /// Block pointers of a layer, `out` [blocks]; of the kind that precision() names.
  void blocks(int layer, std::vector<kernels::KeyBlock>& out) const;
  void blocks(int layer, std::vector<kernels::KeyBlock16>& out) const;
  void writable_blocks(int layer, std::vector<kernels::MutableKeyBlock>& out);
  void writable_blocks(int layer, std::vector<kernels::MutableKeyBlock16>& out);

 private:
  using Block = base::Buffer<std::byte>;  // [layers, keys and then values of all heads]
  KvCache(const KvCache&) = default;
  std::size_t block_bytes() const noexcept;
  template <class Element, class View>
  void list(int layer, std::vector<View>& out) const;

  int layers_;
  std::size_t key_bytes_, value_bytes_;  // of one layer in a block, all heads
  int prefix_;
  ops::Precision precision_;
  int size_ = 0;
  std::vector<std::shared_ptr<Block>> blocks_;
};

}  // namespace moonbeam::text
