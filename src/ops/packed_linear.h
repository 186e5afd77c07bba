// Products with packed weights (tensor/packed.h): what ops/linear.h leaves to them.
#pragma once

#include <cstddef>
#include <span>

#include "ops/context.h"
#include "ops/linear.h"

namespace moonbeam::ops {

/// Columns [first, first + count) of x Wt + b, `out` [rows, count].
struct PackedProduct {
  const float* x;  ///< [rows, in]
  const Linear* layer;
  int first, count;
  float* out;
  Epilogue epilogue;
};

/// Products of one job of the pool: what is known of them is kept on the caller's stack.
inline constexpr std::size_t kMostProducts = 8;

/// 1 to kMostProducts products of `rows` rows each. Those with the same `out` are done in their order, the
/// others in any.
void multiply_packed(Context& context, std::span<const PackedProduct> products, int rows);

}  // namespace moonbeam::ops
