#include "text/kv_cache.h"

#include <gtest/gtest.h>

#include "ops/attention.h"

namespace moonbeam::text {
namespace {

constexpr int kLayers = 2, kHeads = 1, kWidth = 4;

struct F32 {
  static constexpr ops::Precision kPrecision = ops::Precision::kF32;
  using Block = kernels::KeyBlock;
  using Writable = kernels::MutableKeyBlock;
  using Element = float;
  static constexpr int key_index(int slot) { return slot; }
  static constexpr int value_index(int slot) { return slot * kWidth; }
};
struct BF16 {
  static constexpr ops::Precision kPrecision = ops::Precision::kBF16;
  using Block = kernels::KeyBlock16;
  using Writable = kernels::MutableKeyBlock16;
  using Element = std::uint16_t;
  static constexpr int key_index(int slot) { return 2 * slot; }
  static constexpr int value_index(int slot) {
    return slot / 2 * 2 * kernels::value_columns(kWidth) + slot % 2;
  }
};

template <class Kind>
class KvCacheOf : public ::testing::Test {
 protected:
  using Element = typename Kind::Element;

  static KvCache make(int prefix = 0) { return {kLayers, kHeads, kWidth, prefix, Kind::kPrecision}; }

  // Marks position `position` of every layer with `value`.
  static void write(KvCache& cache, int position, int value) {
    std::vector<typename Kind::Writable> blocks;
    for (int layer = 0; layer < kLayers; ++layer) {
      cache.writable_blocks(layer, blocks);
      const auto& block = blocks[static_cast<std::size_t>(position / kernels::kKeyBlock)];
      block.k[Kind::key_index(position % kernels::kKeyBlock)] = static_cast<Element>(value);
      block.v[Kind::value_index(position % kernels::kKeyBlock)] = static_cast<Element>(value + 100);
    }
  }

  static int read(const KvCache& cache, int layer, int position) {
    std::vector<typename Kind::Block> blocks;
    cache.blocks(layer, blocks);
    const auto& block = blocks[static_cast<std::size_t>(position / kernels::kKeyBlock)];
    const auto k = static_cast<int>(block.k[Kind::key_index(position % kernels::kKeyBlock)]);
    EXPECT_EQ(static_cast<int>(block.v[Kind::value_index(position % kernels::kKeyBlock)]), k + 100);
    return k;
  }

  static const Element* first_key(const KvCache& cache, std::size_t block) {
    std::vector<typename Kind::Block> blocks;
    cache.blocks(0, blocks);
    return blocks.at(block).k;
  }

  static void append(KvCache& cache, int rows, int value) {
    cache.extend(rows);
    for (int i = 0; i < rows; ++i) write(cache, cache.size() + i, value);
    cache.commit(rows);
  }
};
using Kinds = ::testing::Types<F32, BF16>;
TYPED_TEST_SUITE(KvCacheOf, Kinds);

TYPED_TEST(KvCacheOf, AForkKeepsThePastWhenTheOriginalGoesOn) {
  KvCache cache = this->make(3);
  this->append(cache, 70, 1);
  KvCache fork = cache.fork();
  EXPECT_EQ(fork.size(), 70);
  EXPECT_EQ(fork.prefix(), 3);
  EXPECT_EQ(fork.precision(), cache.precision());
  this->append(cache, 1, 2);
  this->append(fork, 2, 3);
  EXPECT_EQ(cache.size(), 71);
  EXPECT_EQ(fork.size(), 72);
  for (int layer = 0; layer < kLayers; ++layer) {
    EXPECT_EQ(this->read(cache, layer, 69), 1);
    EXPECT_EQ(this->read(fork, layer, 69), 1);
    EXPECT_EQ(this->read(cache, layer, 70), 2);
    EXPECT_EQ(this->read(fork, layer, 70), 3);
  }
}

TYPED_TEST(KvCacheOf, ForksShareTheirFullBlocks) {
  KvCache cache = this->make();
  this->append(cache, 2 * kernels::kKeyBlock, 1);
  KvCache fork = cache.fork();
  this->append(fork, 1, 2);
  EXPECT_EQ(this->first_key(cache, 0), this->first_key(fork, 0));
  EXPECT_EQ(this->first_key(cache, 1), this->first_key(fork, 1));
  EXPECT_EQ(this->read(fork, 0, 2 * kernels::kKeyBlock), 2);
}

TYPED_TEST(KvCacheOf, ACacheThatIsAloneWritesInPlace) {
  KvCache cache = this->make();
  this->append(cache, 5, 1);
  const auto* before = this->first_key(cache, 0);
  { const KvCache gone = cache.fork(); }
  this->append(cache, 5, 2);
  EXPECT_EQ(this->first_key(cache, 0), before);
}

TYPED_TEST(KvCacheOf, TruncationForgetsWholeBlocks) {
  KvCache cache = this->make();
  this->append(cache, 3 * kernels::kKeyBlock, 1);
  const auto full = cache.bytes();
  cache.truncate(kernels::kKeyBlock + 1);
  EXPECT_EQ(cache.size(), kernels::kKeyBlock + 1);
  EXPECT_EQ(cache.bytes(), full / 3 * 2);
  this->append(cache, 1, 5);
  EXPECT_EQ(this->read(cache, 1, kernels::kKeyBlock + 1), 5);
  EXPECT_EQ(this->read(cache, 1, kernels::kKeyBlock), 1);
}

TEST(KvCache, TakesHalfTheBytesInBF16) {
  KvCache whole(24, 32, 64), half(24, 32, 64, 0, ops::Precision::kBF16);
  whole.extend(1);
  half.extend(1);
  EXPECT_EQ(whole.bytes(), 64u * 393216);
  EXPECT_EQ(half.bytes(), 64u * 196608);
}

}  // namespace
}  // namespace moonbeam::text
