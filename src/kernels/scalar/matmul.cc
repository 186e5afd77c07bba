// Packing, the tile of a matrix product and the dot products of a decode step, for f32, bf16 and f16 weights.
#include <cstring>

#include "kernels/scalar/scalar.h"
#include "tensor/float16.h"

namespace moonbeam::kernels::scalar {
namespace {

// Element i of weights of each type; the file's bytes may lie anywhere.
float f32(const std::byte* row, int i) {
  float value;
  std::memcpy(&value, row + static_cast<std::ptrdiff_t>(i) * 4, sizeof value);
  return value;
}
std::uint16_t half(const std::byte* row, int i) {
  std::uint16_t value;
  std::memcpy(&value, row + static_cast<std::ptrdiff_t>(i) * 2, sizeof value);
  return value;
}
float bf16(const std::byte* row, int i) {
  return tensor::bf16_to_f32(half(row, i));
}
float f16(const std::byte* row, int i) {
  return tensor::f16_to_f32(half(row, i));
}

template <float (*kLoad)(const std::byte*, int)>
void pack_panel(const std::byte* weights, std::ptrdiff_t stride, int columns, int k, float* panel) {
  for (int i = 0; i < k; ++i) {
    for (int c = 0; c < kPanel; ++c) *panel++ = c < columns ? kLoad(weights + c * stride, i) : 0.0f;
  }
}

template <float (*kLoad)(const std::byte*, int)>
void dot(const float* x, std::ptrdiff_t x_stride, int rows, const std::byte* weights, std::ptrdiff_t stride,
         int columns, int k, const float* bias, float* out, std::ptrdiff_t out_stride) {
  for (int c = 0; c < columns; ++c) {
    for (int r = 0; r < rows; ++r) {
      double sum = 0;
      for (int i = 0; i < k; ++i)
        sum += static_cast<double>(x[r * x_stride + i]) * kLoad(weights + c * stride, i);
      out[r * out_stride + c] = static_cast<float>(sum + (bias ? bias[c] : 0.0f));
    }
  }
}

}  // namespace

void pack_rows(const float* x, std::ptrdiff_t stride, int rows, int k, float* panels) noexcept {
  for (int first = 0; first < rows; first += kTileRows) {
    for (int i = 0; i < k; ++i) {
      for (int r = first; r < first + kTileRows; ++r) *panels++ = r < rows ? x[r * stride + i] : 0.0f;
    }
  }
}

void tile(const float* rows_panel, const float* weight_panel, int k, int rows, int columns, const float* bias,
          bool accumulate, float* out, std::ptrdiff_t out_stride) noexcept {
  for (int r = 0; r < rows; ++r) {
    float* to = out + r * out_stride;
    float sums[kPanel] = {};
    for (int c = 0; c < columns; ++c) sums[c] = accumulate ? to[c] : bias ? bias[c] : 0.0f;
    for (int i = 0; i < k; ++i) {
      const float x = rows_panel[static_cast<std::ptrdiff_t>(i) * kTileRows + r];
      const float* weights = weight_panel + static_cast<std::ptrdiff_t>(i) * kPanel;
      for (int c = 0; c < kPanel; ++c) sums[c] += x * weights[c];
    }
    for (int c = 0; c < columns; ++c) to[c] = sums[c];
  }
}

void pack_panel_f32(const std::byte* weights, std::ptrdiff_t stride, int columns, int k,
                    float* panel) noexcept {
  pack_panel<f32>(weights, stride, columns, k, panel);
}
void pack_panel_bf16(const std::byte* weights, std::ptrdiff_t stride, int columns, int k,
                     float* panel) noexcept {
  pack_panel<bf16>(weights, stride, columns, k, panel);
}
void pack_panel_f16(const std::byte* weights, std::ptrdiff_t stride, int columns, int k,
                    float* panel) noexcept {
  pack_panel<f16>(weights, stride, columns, k, panel);
}

void dot_f32(const float* x, std::ptrdiff_t x_stride, int rows, const std::byte* weights,
             std::ptrdiff_t stride, int columns, int k, const float* bias, float* out,
             std::ptrdiff_t out_stride) noexcept {
  dot<f32>(x, x_stride, rows, weights, stride, columns, k, bias, out, out_stride);
}
void dot_bf16(const float* x, std::ptrdiff_t x_stride, int rows, const std::byte* weights,
              std::ptrdiff_t stride, int columns, int k, const float* bias, float* out,
              std::ptrdiff_t out_stride) noexcept {
  dot<bf16>(x, x_stride, rows, weights, stride, columns, k, bias, out, out_stride);
}
void dot_f16(const float* x, std::ptrdiff_t x_stride, int rows, const std::byte* weights,
             std::ptrdiff_t stride, int columns, int k, const float* bias, float* out,
             std::ptrdiff_t out_stride) noexcept {
  dot<f16>(x, x_stride, rows, weights, stride, columns, k, bias, out, out_stride);
}

}  // namespace moonbeam::kernels::scalar
