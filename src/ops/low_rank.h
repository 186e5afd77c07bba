// What a LoRA adapter adds to a linear layer: y += (x At) Bt, in f32 whatever the layer's weights are.
#pragma once

#include "ops/linear.h"

namespace moonbeam::ops {

/// Two narrow layers without biases, R the rank. Empty: nothing is added. Owned by the model.
struct LowRank {
  Linear a;  ///< [R, in]
  Linear b;  ///< [out, R]
  explicit operator bool() const noexcept { return a.weight.data != nullptr; }
  int rank() const noexcept { return static_cast<int>(a.weight.shape[0]); }
};

/// out [rows, out] += (x [rows, in] At) Bt. `inner`: scratch of rows * R floats. Bits as linear().
void add_low_rank(Context& context, const float* x, int rows, const LowRank& layer, float* inner, float* out);

/// x [rows, width] in place: for sums that an adapter completes after the layer's own epilogue.
void gelu(Context& context, float* x, int rows, int width);

}  // namespace moonbeam::ops
