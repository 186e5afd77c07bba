// Attention over the thread pool: one head of one sequence is a work unit, cut by rows where heads are few.
// The arithmetic is in kernels/.
#include "ops/attention.h"

#include <algorithm>
#include <cstddef>
#include <new>

namespace moonbeam::ops {
namespace {

using kernels::kKeyBlock;
using kernels::kTileRows;

constexpr int kUnitsPerThread = 8;

int divide_up(int a, int b) {
  return (a + b - 1) / b;
}

}  // namespace

void attention(Context& context, std::span<const AttentionTask> tasks, int heads, int head_width,
               float scale) {
  if (tasks.empty()) return;
  int keys = 1;
  int rows = 0;
  std::size_t blocks = 0;
  for (const AttentionTask& task : tasks) {
    rows = std::max(rows, task.rows);
    blocks = std::max(blocks, task.blocks.size());
    for (int r = 0; r < task.rows; ++r) keys = std::max(keys, task.visible[r]);
  }
  if (rows == 0) return;

  // A unit needs its own list of this head's blocks: it stands behind the scores in the thread's scratch.
  const std::size_t score_floats = kernels::attention_scratch(keys, head_width);
  const std::size_t list_floats = blocks * sizeof(kernels::KeyBlock) / sizeof(float);
  const std::size_t list_start = (score_floats + 15) / 16 * 16;
  for (auto& scratch : context.thread_scratch) scratch.reserve_discard(list_start + list_floats);

  const int units = static_cast<int>(tasks.size()) * heads;
  const int wanted = divide_up(context.pool.threads() * kUnitsPerThread, units);
  const int part_rows = std::max(divide_up(divide_up(rows, wanted), kTileRows), 1) * kTileRows;
  const int parts = divide_up(rows, part_rows);
  context.pool.parallel_for(units * parts, [&](int unit, int thread) {
    const AttentionTask& task = tasks[static_cast<std::size_t>(unit / parts / heads)];
    const int head = unit / parts % heads;
    const int first = unit % parts * part_rows;
    if (first >= task.rows) return;

    float* scratch = context.thread_scratch[static_cast<std::size_t>(thread)].data();
    auto* list = reinterpret_cast<kernels::KeyBlock*>(scratch + list_start);
    const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(head) * head_width * kKeyBlock;
    for (std::size_t b = 0; b < task.blocks.size(); ++b) {
      new (list + b) kernels::KeyBlock{task.blocks[b].k + offset, task.blocks[b].v + offset};
    }
    context.kernels.attention(
        task.q + static_cast<std::ptrdiff_t>(first) * task.q_stride + head * head_width, task.q_stride,
        std::min(part_rows, task.rows - first), list, task.visible + first, head_width, scale, scratch,
        task.out + static_cast<std::ptrdiff_t>(first) * task.out_stride + head * head_width, task.out_stride);
  });
}

void store_keys_values(Context& context, const float* k, const float* v, int stride, int rows, int heads,
                       int head_width, int position, std::span<const kernels::MutableKeyBlock> blocks) {
  if (rows <= 0) return;
  const int first_block = position / kKeyBlock;
  const int count = (position + rows - 1) / kKeyBlock - first_block + 1;
  context.pool.parallel_for(count * heads, [&](int unit, int) {
    const int block = first_block + unit / heads;
    const int head = unit % heads;
    const kernels::MutableKeyBlock& to = blocks[static_cast<std::size_t>(block)];
    const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(head) * head_width * kKeyBlock;
    const int begin = std::max(position, block * kKeyBlock);
    const int end = std::min(position + rows, (block + 1) * kKeyBlock);
    for (int p = begin; p < end; ++p) {
      const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(p - position) * stride + head * head_width;
      const int slot = p % kKeyBlock;
      float* column = to.k + offset + slot;
      for (int i = 0; i < head_width; ++i) column[i * kKeyBlock] = k[from + i];
      std::copy_n(v + from, head_width, to.v + offset + static_cast<std::ptrdiff_t>(slot) * head_width);
    }
  });
}

}  // namespace moonbeam::ops
