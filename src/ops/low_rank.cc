#include "ops/low_rank.h"

#include <cstddef>

namespace moonbeam::ops {

void add_low_rank(Context& context, const float* x, int rows, const LowRank& layer, float* inner,
                  float* out) {
  linear(context, x, rows, layer.a, inner);
  linear(context, inner, rows, layer.b, out, Epilogue::kAdd);
}

void gelu(Context& context, float* x, int rows, int width) {
  context.pool.parallel_for(
      rows, [&](int row, int) { context.kernels.gelu(x + static_cast<std::ptrdiff_t>(row) * width, width); });
}

}  // namespace moonbeam::ops
