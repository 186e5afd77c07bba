// Attention over the thread pool: one head of one sequence is a work unit, cut by rows where heads are few.
// The arithmetic is in kernels/.
#include "ops/attention.h"

#include <algorithm>
#include <cstddef>
#include <new>

namespace moonbeam::ops {
namespace {

using kernels::kAttentionRows;
using kernels::KernelTable;
using kernels::KeyBlock;
using kernels::KeyBlock16;
using kernels::kKeyBlock;
using kernels::kTileRows;

constexpr int kUnitsPerThread = 8;

int divide_up(int a, int b) {
  return (a + b - 1) / b;
}

// What differs between the two kinds of blocks.
std::span<const KeyBlock> blocks_of(const AttentionTask& task, KeyBlock /*kind*/) {
  return task.blocks;
}
std::span<const KeyBlock16> blocks_of(const AttentionTask& task, KeyBlock16 /*kind*/) {
  return task.blocks16;
}
KeyBlock head_of(const KeyBlock& block, int head, int width) {
  const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(head) * width * kKeyBlock;
  return {block.k + offset, block.v + offset};
}
KeyBlock16 head_of(const KeyBlock16& block, int head, int width) {
  const auto h = static_cast<std::size_t>(head);
  return {block.k + h * kernels::key_elements(width), block.v + h * kernels::value_elements(width)};
}
kernels::AttentionFn* kernel_of(const KernelTable& table, KeyBlock /*kind*/) {
  return table.attention;
}
kernels::Attention16Fn* kernel_of(const KernelTable& table, KeyBlock16 /*kind*/) {
  return table.attention16;
}
// Rows that a kernel takes at once. Six and five of bf16: a common multiple.
constexpr int row_step(KeyBlock /*kind*/) {
  return kTileRows;
}
constexpr int row_step(KeyBlock16 /*kind*/) {
  return 5 * kAttentionRows;
}
std::size_t scratch_of(int keys, int width, KeyBlock /*kind*/) {
  return kernels::attention_scratch(keys, width);
}
std::size_t scratch_of(int keys, int width, KeyBlock16 /*kind*/) {
  return kernels::attention16_scratch(keys, width);
}

template <class Block>
void attend(Context& context, std::span<const AttentionTask> tasks, int heads, int width, float scale,
            const Prepare& prepare) {
  int keys = 1;
  int rows = 0;
  std::size_t blocks = 0;
  for (const AttentionTask& task : tasks) {
    rows = std::max(rows, task.rows);
    blocks = std::max(blocks, blocks_of(task, Block{}).size());
    for (int r = 0; r < task.rows; ++r) keys = std::max(keys, task.visible[r]);
  }
  if (rows == 0) return;

  // A unit needs its own list of this head's blocks: it stands behind the scores in the thread's scratch.
  const std::size_t list_start = (scratch_of(keys, width, Block{}) + 15) / 16 * 16;
  const std::size_t list_floats = blocks * sizeof(Block) / sizeof(float);
  for (auto& scratch : context.thread_scratch) scratch.reserve_discard(list_start + list_floats);

  const int units = static_cast<int>(tasks.size()) * heads;
  const int wanted = divide_up(context.pool.threads() * kUnitsPerThread, units);
  constexpr int kStep = row_step(Block{});
  const int part_rows = std::max(divide_up(divide_up(rows, wanted), kStep), 1) * kStep;
  const int parts = divide_up(rows, part_rows);
  if (parts > 1) {
    context.pool.parallel_for(units, [&](int unit, int) { prepare(unit / heads, unit % heads); });
  }
  context.pool.parallel_for(units * parts, [&](int unit, int thread) {
    const int index = unit / parts / heads;
    const AttentionTask& task = tasks[static_cast<std::size_t>(index)];
    const int head = unit / parts % heads;
    const int first = unit % parts * part_rows;
    if (first >= task.rows) return;
    if (parts == 1) prepare(index, head);

    float* scratch = context.thread_scratch[static_cast<std::size_t>(thread)].data();
    auto* list = reinterpret_cast<Block*>(scratch + list_start);
    std::size_t count = 0;
    for (const Block& block : blocks_of(task, Block{}))
      new (list + count++) Block(head_of(block, head, width));
    kernel_of(context.kernels, Block{})(
        task.q + static_cast<std::ptrdiff_t>(first) * task.q_stride + head * width, task.q_stride,
        std::min(part_rows, task.rows - first), list, task.visible + first, width, scale, scratch,
        task.out + static_cast<std::ptrdiff_t>(first) * task.out_stride + head * width, task.out_stride);
  });
}

// Calls fn(block, first slot, rows, offset of the first row) for each block that takes some of the keys.
template <typename F>
void each_block(const NewKeys& keys, int head, int head_width, F fn) {
  for (int done = 0; done < keys.rows;) {
    const int position = keys.position + done;
    const int slot = position % kKeyBlock;
    const int count = std::min(keys.rows - done, kKeyBlock - slot);
    fn(static_cast<std::size_t>(position / kKeyBlock), slot, count,
       static_cast<std::ptrdiff_t>(done) * keys.stride + static_cast<std::ptrdiff_t>(head) * head_width);
    done += count;
  }
}

template <class Block>
void store_all(Context& context, const NewKeys& keys, int heads, int head_width,
               std::span<const Block> blocks) {
  if (keys.rows <= 0) return;
  context.pool.parallel_for(
      heads, [&](int head, int) { store_head(context.kernels, keys, head, head_width, blocks); });
}

}  // namespace

void attention(Context& context, std::span<const AttentionTask> tasks, int heads, int head_width, float scale,
               Prepare prepare) {
  if (tasks.empty()) return;
  if (tasks[0].blocks16.empty()) {
    attend<KeyBlock>(context, tasks, heads, head_width, scale, prepare);
  } else {
    attend<KeyBlock16>(context, tasks, heads, head_width, scale, prepare);
  }
}

void attention(Context& context, std::span<const AttentionTask> tasks, int heads, int head_width,
               float scale) {
  attention(context, tasks, heads, head_width, scale, [](int, int) {});
}

void store_head(const KernelTable& /*kernels*/, const NewKeys& keys, int head, int head_width,
                std::span<const kernels::MutableKeyBlock> blocks) noexcept {
  const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(head) * head_width * kKeyBlock;
  each_block(keys, head, head_width, [&](std::size_t block, int slot, int count, std::ptrdiff_t from) {
    for (int p = slot; p < slot + count; ++p, from += keys.stride) {
      float* column = blocks[block].k + offset + p;
      for (int i = 0; i < head_width; ++i) column[i * kKeyBlock] = keys.k[from + i];
      std::copy_n(keys.v + from, head_width,
                  blocks[block].v + offset + static_cast<std::ptrdiff_t>(p) * head_width);
    }
  });
}

void store_head(const KernelTable& kernels, const NewKeys& keys, int head, int head_width,
                std::span<const kernels::MutableKeyBlock16> blocks) noexcept {
  const auto h = static_cast<std::size_t>(head);
  each_block(keys, head, head_width, [&](std::size_t block, int slot, int count, std::ptrdiff_t from) {
    const kernels::MutableKeyBlock16& to = blocks[block];
    kernels.store_keys16(
        keys.k + from, keys.v + from, keys.stride, count, head_width, slot,
        {to.k + h * kernels::key_elements(head_width), to.v + h * kernels::value_elements(head_width)});
  });
}

void store_keys_values(Context& context, const NewKeys& keys, int heads, int head_width,
                       std::span<const kernels::MutableKeyBlock> blocks) {
  store_all(context, keys, heads, head_width, blocks);
}

void store_keys_values(Context& context, const NewKeys& keys, int heads, int head_width,
                       std::span<const kernels::MutableKeyBlock16> blocks) {
  store_all(context, keys, heads, head_width, blocks);
}

}  // namespace moonbeam::ops
