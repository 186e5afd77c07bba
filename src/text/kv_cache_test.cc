#include "text/kv_cache.h"

#include <gtest/gtest.h>

namespace moonbeam::text {
namespace {

constexpr int kLayers = 2, kHeads = 1, kWidth = 4;

// Marks position `position` of every layer with `value`.
void write(KvCache& cache, int position, float value) {
  std::vector<kernels::MutableKeyBlock> blocks;
  for (int layer = 0; layer < kLayers; ++layer) {
    cache.writable_blocks(layer, blocks);
    const auto& block = blocks[static_cast<std::size_t>(position / kernels::kKeyBlock)];
    block.k[position % kernels::kKeyBlock] = value;
    block.v[(position % kernels::kKeyBlock) * kWidth] = -value;
  }
}

float read(const KvCache& cache, int layer, int position) {
  std::vector<kernels::KeyBlock> blocks;
  cache.blocks(layer, blocks);
  const auto& block = blocks[static_cast<std::size_t>(position / kernels::kKeyBlock)];
  EXPECT_EQ(block.v[(position % kernels::kKeyBlock) * kWidth], -block.k[position % kernels::kKeyBlock]);
  return block.k[position % kernels::kKeyBlock];
}

void append(KvCache& cache, int rows, float value) {
  cache.extend(rows);
  for (int i = 0; i < rows; ++i) write(cache, cache.size() + i, value);
  cache.commit(rows);
}

TEST(KvCache, AForkKeepsThePastWhenTheOriginalGoesOn) {
  KvCache cache(kLayers, kHeads, kWidth, 3);
  append(cache, 70, 1);
  KvCache fork = cache.fork();
  EXPECT_EQ(fork.size(), 70);
  EXPECT_EQ(fork.prefix(), 3);
  append(cache, 1, 2);
  append(fork, 2, 3);
  EXPECT_EQ(cache.size(), 71);
  EXPECT_EQ(fork.size(), 72);
  for (int layer = 0; layer < kLayers; ++layer) {
    EXPECT_EQ(read(cache, layer, 69), 1);
    EXPECT_EQ(read(fork, layer, 69), 1);
    EXPECT_EQ(read(cache, layer, 70), 2);
    EXPECT_EQ(read(fork, layer, 70), 3);
  }
}

TEST(KvCache, ForksShareTheirFullBlocks) {
  KvCache cache(kLayers, kHeads, kWidth);
  append(cache, 2 * kernels::kKeyBlock, 1);
  KvCache fork = cache.fork();
  append(fork, 1, 2);
  std::vector<kernels::KeyBlock> ours, theirs;
  cache.blocks(0, ours);
  fork.blocks(0, theirs);
  ASSERT_EQ(ours.size(), 2u);
  ASSERT_EQ(theirs.size(), 3u);
  EXPECT_EQ(ours[0].k, theirs[0].k);
  EXPECT_EQ(ours[1].k, theirs[1].k);
}

TEST(KvCache, ACacheThatIsAloneWritesInPlace) {
  KvCache cache(kLayers, kHeads, kWidth);
  append(cache, 5, 1);
  std::vector<kernels::KeyBlock> before, after;
  cache.blocks(0, before);
  { const KvCache gone = cache.fork(); }
  append(cache, 5, 2);
  cache.blocks(0, after);
  EXPECT_EQ(before[0].k, after[0].k);
}

TEST(KvCache, TruncationForgetsWholeBlocks) {
  KvCache cache(kLayers, kHeads, kWidth);
  append(cache, 3 * kernels::kKeyBlock, 1);
  const auto full = cache.bytes();
  cache.truncate(kernels::kKeyBlock + 1);
  EXPECT_EQ(cache.size(), kernels::kKeyBlock + 1);
  EXPECT_EQ(cache.bytes(), full / 3 * 2);
  append(cache, 1, 5);
  EXPECT_EQ(read(cache, 1, kernels::kKeyBlock + 1), 5);
  EXPECT_EQ(read(cache, 1, kernels::kKeyBlock), 1);
}

}  // namespace
}  // namespace moonbeam::text
