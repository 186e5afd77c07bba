// Rotary position embedding over the first rope_dims of each head, halves rotated against each other.
#pragma once

#include "base/buffer.h"

namespace moonbeam::text {

/// cos and sin of every position, f32 throughout as the reference computes them. Shared by all sequences.
class RopeTable {
 public:
  RopeTable(int rope_dims, float theta, int max_positions);
  int dims() const noexcept { return 2 * half_; }
  const float* cos(int position) const noexcept {
    return table_.data() + 2 * half_ * position;
  }                                                                                ///< [dims / 2]
  const float* sin(int position) const noexcept { return cos(position) + half_; }  ///< [dims / 2]

 private:
  int half_;
  base::Buffer<float> table_;  // [positions, 2, half]
};

/// Rotates `heads` heads of `head_width` at x in place: a = x[i], b = x[i + half] become a cos - b sin and
/// a sin + b cos; dimensions from table.dims() on stay. The reference stores the two interleaved, GGUF and
/// Hugging Face Phi as we do: the scores are the same.
void rotate(const RopeTable& table, int position, float* x, int heads, int head_width) noexcept;

}  // namespace moonbeam::text
