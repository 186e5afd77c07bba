// Softmax attention over the thread pool, shared by the image encoder and the text decoder.
#pragma once

#include <span>

#include "kernels/kernels.h"
#include "ops/context.h"

namespace moonbeam::ops {

/// Queries of one sequence against its keys. R rows, H heads, K head width, B = kernels::kKeyBlock.
struct AttentionTask {
  const float* q = nullptr;  ///< row r, head h at q + r * q_stride + h * K
  int q_stride = 0;          ///< floats
  int rows = 0;              ///< R
  /// Keys and values of all heads in blocks of B positions: k [H, K, B], v [H, B, K].
  std::span<const kernels::KeyBlock> blocks;
  const int* visible = nullptr;  ///< [R] keys each row sees, counted from position 0; at least 1
  float* out = nullptr;          ///< row r, head h at out + r * out_stride + h * K
  int out_stride = 0;
};

/// out = softmax(q kt * scale) v per head. A row's result does not depend on the other rows or on threads.
void attention(Context& context, std::span<const AttentionTask> tasks, int heads, int head_width,
               float scale);

/// Puts `rows` keys and values into blocks from `position` on. Row r, head h of the keys at
/// k + r * stride + h * K, values alike.
void store_keys_values(Context& context, const float* k, const float* v, int stride, int rows, int heads,
                       int head_width, int position, std::span<const kernels::MutableKeyBlock> blocks);

}  // namespace moonbeam::ops
