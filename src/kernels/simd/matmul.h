// Packing, tiles and dot products on vectors `V` of the including folder.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd/inline.h"

namespace moonbeam::kernels::simd {

// How a vector of weights of each type is read.
struct F32 {
  static constexpr int kBytes = 4;
  template <class V>
  MB_INLINE static V load(const std::byte* p) {
    return V::load_f32(p);
  }
  template <class V>
  MB_INLINE static V load_first(const std::byte* p, int n) {
    return V::load_f32_first(p, n);
  }
};
struct BF16 {
  static constexpr int kBytes = 2;
  template <class V>
  MB_INLINE static V load(const std::byte* p) {
    return V::load_bf16(p);
  }
  template <class V>
  MB_INLINE static V load_first(const std::byte* p, int n) {
    return V::load_bf16_first(p, n);
  }
};
struct F16 {
  static constexpr int kBytes = 2;
  template <class V>
  MB_INLINE static V load(const std::byte* p) {
    return V::load_f16(p);
  }
  template <class V>
  MB_INLINE static V load_first(const std::byte* p, int n) {
    return V::load_f16_first(p, n);
  }
};

// ---- packing

// `V` is 8 wide on every instruction set: kTileRows = 6 of its rows are used. Each store writes 2 floats too
// many, which the next one overwrites.
template <class V>
void pack_rows(const float* x, std::ptrdiff_t stride, int rows, int k, float* panels) noexcept {
  static_assert(V::kWidth == 8 && kTileRows <= 8);
  for (int first = 0; first < rows; first += kTileRows, x += kTileRows * stride) {
    const int count = rows - first < kTileRows ? rows - first : kTileRows;
    int i = 0;
    // The last step is left to the loop below, so that no store reaches past the panel.
    for (; i + 8 < k; i += 8, panels += 8 * kTileRows) {
      V block[8];
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) block[r] = r < count ? V::load(x + r * stride + i) : V::zero();
      V::transpose(block);
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) block[j].store(panels + j * kTileRows);
    }
    for (; i < k; ++i) {
      for (int r = 0; r < kTileRows; ++r) *panels++ = r < count ? x[r * stride + i] : 0.0f;
    }
  }
}

template <class V, class W>
MB_INLINE void pack_block(const std::byte* weights, std::ptrdiff_t stride, int columns, int k, float* panel) {
  constexpr int kWidth = V::kWidth;
  V block[kWidth];
  if (columns >= kWidth && k >= kWidth) {
#pragma GCC unroll 16
    for (int c = 0; c < kWidth; ++c) block[c] = W::template load<V>(weights + c * stride);
  } else {
    for (int c = 0; c < kWidth; ++c) {
      block[c] =
          c < columns ? W::template load_first<V>(weights + c * stride, k < kWidth ? k : kWidth) : V::zero();
    }
  }
  V::transpose(block);
  if (k >= kWidth) {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) block[i].store(panel + i * kPanel);
  } else {
    for (int i = 0; i < k; ++i) block[i].store(panel + i * kPanel);
  }
}

template <class V, class W>
void pack_panel(const std::byte* weights, std::ptrdiff_t stride, int columns, int k, float* panel) noexcept {
  for (int c = 0; c < kPanel; c += V::kWidth) {
    for (int i = 0; i < k; i += V::kWidth) {
      pack_block<V, W>(weights + c * stride + static_cast<std::ptrdiff_t>(i) * W::kBytes, stride, columns - c,
                       k - i, panel + static_cast<std::ptrdiff_t>(i) * kPanel + c);
    }
  }
}

// ---- tiles

// sums[r][v] += x(i, r) * weights[i][v] for i in [0, k), in this order and rounded once a step. x(i, r) is
// x[i * kStep + r * x_row]; a row of weights is `stride` floats.
template <class V, int kRows, int kVectors, int kStep>
MB_INLINE void multiply_add(V (&sums)[kRows][kVectors], const float* x, std::ptrdiff_t x_row,
                            const float* weights, std::ptrdiff_t stride, int k) {
#pragma GCC unroll 2
  for (int i = 0; i < k; ++i, x += kStep, weights += stride) {
    // Packed rows come from the third-level cache. Narrow tiles jump over the rest of the panel's row, which
    // the processor does not foresee.
    if (kStep > 1) {
      __builtin_prefetch(x + 64 * kStep);
      if (kVectors * V::kWidth < kPanel) __builtin_prefetch(weights + 24 * stride);
    }
    V w[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) w[v] = V::load(weights + v * V::kWidth);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const V one = V::all(x[r * x_row]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = V::fma(one, w[v], sums[r][v]);
    }
  }
}

// Up to n values at p, of which there may be none.
template <class V>
MB_INLINE V load_up_to(const float* p, int n) {
  return n >= V::kWidth ? V::load(p) : n > 0 ? V::load_first(p, n) : V::zero();
}
template <class V>
MB_INLINE void store_up_to(V value, float* p, int n) {
  if (n >= V::kWidth) {
    value.store(p);
  } else if (n > 0) {
    value.store_first(p, n);
  }
}

template <class V, int kRows, int kVectors>
void tile_of(const float* rows_panel, const float* weights, int k, int columns, const float* bias,
             bool accumulate, float* out, std::ptrdiff_t out_stride) {
  V sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const int n = columns - v * V::kWidth;
    const V start = bias && !accumulate ? load_up_to<V>(bias + v * V::kWidth, n) : V::zero();
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      sums[r][v] = accumulate ? load_up_to<V>(out + r * out_stride + v * V::kWidth, n) : start;
    }
  }
  multiply_add<V, kRows, kVectors, kTileRows>(sums, rows_panel, 1, weights, kPanel, k);
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      store_up_to(sums[r][v], out + r * out_stride + v * V::kWidth, columns - v * V::kWidth);
    }
  }
}

template <class V, int kVectors, int kRows = kTileRows>
MB_INLINE void tile_rows(const float* rows_panel, const float* weights, int k, int rows, int columns,
                         const float* bias, bool accumulate, float* out, std::ptrdiff_t out_stride) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      tile_rows<V, kVectors, kRows - 1>(rows_panel, weights, k, rows, columns, bias, accumulate, out,
                                        out_stride);
      return;
    }
  }
  tile_of<V, kRows, kVectors>(rows_panel, weights, k, columns, bias, accumulate, out, out_stride);
}

// kVectors registers of columns at a time.
template <class V, int kVectors>
void tile(const float* rows_panel, const float* weight_panel, int k, int rows, int columns, const float* bias,
          bool accumulate, float* out, std::ptrdiff_t out_stride) noexcept {
  constexpr int kColumns = kVectors * V::kWidth;
  for (int c = 0; c < columns; c += kColumns) {
    tile_rows<V, kVectors>(rows_panel, weight_panel + c, k, rows, columns - c, bias ? bias + c : nullptr,
                           accumulate, out + c, out_stride);
  }
}

// ---- dot products

// One vector of k of kRows x kColumns sums.
template <class V, class W, int kRows, int kColumns>
MB_INLINE void dot_step(V (&sums)[kColumns][kRows], const float* x, std::ptrdiff_t x_stride,
                        const std::byte* weights, std::ptrdiff_t stride) {
  V xs[kRows];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) xs[r] = V::load(x + r * x_stride);
#pragma GCC unroll 4
  for (int c = 0; c < kColumns; ++c) {
    const V w = W::template load<V>(weights + c * stride);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sums[c][r] = V::fma(w, xs[r], sums[c][r]);
  }
}

// Each of the kColumns x kRows sums has a register of its own and takes k in order, whatever kRows and
// kColumns are: a row gives the same bits in any company.
template <class V, class W, int kRows, int kColumns>
MB_INLINE void dot_of(const float* x, std::ptrdiff_t x_stride, const std::byte* weights,
                      std::ptrdiff_t stride, int k, const float* bias, float* out,
                      std::ptrdiff_t out_stride) {
  constexpr int kVectorBytes = V::kWidth * W::kBytes;
  constexpr int kLineVectors = 64 / kVectorBytes;
  V sums[kColumns][kRows];
#pragma GCC unroll 4
  for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sums[c][r] = V::zero();
  }
  int i = 0;
  for (; i + kLineVectors * V::kWidth <= k; i += kLineVectors * V::kWidth) {
    // The same place of the next group of rows, into the second-level cache: the processor's own prefetching
    // stops at the end of each page, which is where a row of 2048 ends.
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) __builtin_prefetch(weights + (kColumns + c) * stride, 0, 2);
#pragma GCC unroll 4
    for (int v = 0; v < kLineVectors; ++v, weights += kVectorBytes) {
      dot_step<V, W>(sums, x + i + v * V::kWidth, x_stride, weights, stride);
    }
  }
  for (; i + V::kWidth <= k; i += V::kWidth, weights += kVectorBytes) {
    dot_step<V, W>(sums, x + i, x_stride, weights, stride);
  }
  if (i < k) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) {
      const V w = W::template load_first<V>(weights + c * stride, k - i);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        sums[c][r] = V::fma(w, V::load_first(x + r * x_stride + i, k - i), sums[c][r]);
      }
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) out[r * out_stride + c] = sums[c][r].sum() + (bias ? bias[c] : 0.0f);
  }
}

template <class V, class W, int kRows>
void dot_rows(const float* x, std::ptrdiff_t x_stride, const std::byte* weights, std::ptrdiff_t stride,
              int columns, int k, const float* bias, float* out, std::ptrdiff_t out_stride) {
  int c = 0;
  for (; c + 4 <= columns; c += 4) {
    dot_of<V, W, kRows, 4>(x, x_stride, weights + c * stride, stride, k, bias ? bias + c : nullptr, out + c,
                           out_stride);
  }
  for (; c < columns; ++c) {
    dot_of<V, W, kRows, 1>(x, x_stride, weights + c * stride, stride, k, bias ? bias + c : nullptr, out + c,
                           out_stride);
  }
}

template <class V, class W>
void dot(const float* x, std::ptrdiff_t x_stride, int rows, const std::byte* weights, std::ptrdiff_t stride,
         int columns, int k, const float* bias, float* out, std::ptrdiff_t out_stride) noexcept {
  switch (rows) {
    case 1:
      return dot_rows<V, W, 1>(x, x_stride, weights, stride, columns, k, bias, out, out_stride);
    case 2:
      return dot_rows<V, W, 2>(x, x_stride, weights, stride, columns, k, bias, out, out_stride);
    case 3:
      return dot_rows<V, W, 3>(x, x_stride, weights, stride, columns, k, bias, out, out_stride);
    case 4:
      return dot_rows<V, W, 4>(x, x_stride, weights, stride, columns, k, bias, out, out_stride);
    default:
      return;
  }
}

}  // namespace moonbeam::kernels::simd
