// Softmax attention over the thread pool, shared by the image encoder and the text decoder; in f32 or bf16,
// by the kind of blocks that hold keys and values.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/kernels.h"
#include "ops/context.h"

namespace moonbeam::ops {

/// Queries of one sequence against its keys. R rows, H heads, K head width, B = kernels::kKeyBlock.
struct AttentionTask {
  const float* q = nullptr;  ///< row r, head h at q + r * q_stride + h * K
  int q_stride = 0;          ///< floats
  int rows = 0;              ///< R
  /// Keys and values of all heads in blocks of B positions: k [H, K, B], v [H, B, K], or those of
  /// kernels/attention16.h. One of the two, the same for all tasks of a call.
  std::span<const kernels::KeyBlock> blocks = {};
  std::span<const kernels::KeyBlock16> blocks16 = {};
  const int* visible = nullptr;  ///< [R] keys each row sees, counted from position 0; at least 1
  float* out = nullptr;          ///< row r, head h at out + r * out_stride + h * K
  int out_stride = 0;
};

/// Makes ready what the rows of a task's head read: may rotate its queries, store its keys and values. Called
/// once for each task and head, on any thread, before the first row of that head.
using Prepare = base::FunctionRef<void(int task, int head)>;

/// out = softmax(q kt * scale) v per head. A row's result does not depend on the other rows or on threads.
void attention(Context& context, std::span<const AttentionTask> tasks, int heads, int head_width, float scale,
               Prepare prepare);
void attention(Context& context, std::span<const AttentionTask> tasks, int heads, int head_width,
               float scale);

/// Keys and values for positions [position, position + rows): row r, head h of the keys at k + r * stride +
/// h * K, values alike.
struct NewKeys {
  const float* k;
  const float* v;
  int stride;
  int rows;
  int position;
};

/// Elements that keys or values of one position block of all heads take: f32, and bf16.
constexpr std::size_t block_elements(int heads, int head_width) {
  return static_cast<std::size_t>(heads) * static_cast<std::size_t>(head_width) * kernels::kKeyBlock;
}
constexpr std::size_t key_elements16(int heads, int head_width) {
  return static_cast<std::size_t>(heads) * kernels::key_elements(head_width);
}
constexpr std::size_t value_elements16(int heads, int head_width) {
  return static_cast<std::size_t>(heads) * kernels::value_elements(head_width);
}

/// Puts one head's keys and values into blocks. Heads may be stored by several threads at once.
void store_head(const kernels::KernelTable& kernels, const NewKeys& keys, int head, int head_width,
                std::span<const kernels::MutableKeyBlock> blocks) noexcept;
void store_head(const kernels::KernelTable& kernels, const NewKeys& keys, int head, int head_width,
                std::span<const kernels::MutableKeyBlock16> blocks) noexcept;

/// Puts those of all heads into blocks.
void store_keys_values(Context& context, const NewKeys& keys, int heads, int head_width,
                       std::span<const kernels::MutableKeyBlock> blocks);
void store_keys_values(Context& context, const NewKeys& keys, int heads, int head_width,
                       std::span<const kernels::MutableKeyBlock16> blocks);

}  // namespace moonbeam::ops
