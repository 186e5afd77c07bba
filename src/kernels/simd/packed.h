// What packed activations have in common on all instruction sets (kernels.h defines them).
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/simd/inline.h"

namespace moonbeam::kernels::simd {

// Of a row of int8, in the header of its panel.
struct RowScale {
  float scale;
  std::int32_t zero;

  MB_INLINE float inverse() const { return scale > 0 ? 1.0f / scale : 0.0f; }
  MB_INLINE static RowScale of(const PackedTile& tile, int row) {
    RowScale scale;
    __builtin_memcpy(&scale, tile.activations + row * static_cast<std::ptrdiff_t>(sizeof scale),
                     sizeof scale);
    return scale;
  }
  MB_INLINE void put(int row, std::byte* panel) const {
    __builtin_memcpy(panel + row * static_cast<std::ptrdiff_t>(sizeof *this), this, sizeof *this);
  }
};
constexpr std::ptrdiff_t header_bytes(int rows) {
  return (rows * static_cast<std::ptrdiff_t>(sizeof(RowScale)) + 63) / 64 * 64;
}
constexpr int padded(int k) {
  return (k + tensor::kDepthStep - 1) / tensor::kDepthStep * tensor::kDepthStep;
}

// fn(first row, rows, panel) for each panel of at most kRows rows.
template <int kRows, class F>
MB_INLINE void each_panel(tensor::DType type, int rows, int k, std::byte* panels, F fn) {
  for (int first = 0; first < rows; first += kRows) {
    const int count = rows - first < kRows ? rows - first : kRows;
    fn(first, count, panels);
    panels += activation_bytes(type, count, padded(k));
  }
}

using PackPanelRowsFn = void(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panel);
template <tensor::DType kType, int kRows, PackPanelRowsFn kPack>
void pack_panels(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panels) noexcept {
  each_panel<kRows>(kType, rows, k, panels, [&](int first, int count, std::byte* panel) {
    kPack(x + first * stride, stride, count, k, panel);
  });
}

}  // namespace moonbeam::kernels::simd
