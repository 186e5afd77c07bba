// Attention of one head in bf16, a row at a time, and the order in which keys and values are stored.
#include <algorithm>
#include <cmath>

#include "kernels/scalar/scalar.h"
#include "tensor/float16.h"

namespace moonbeam::kernels::scalar {
namespace {

using tensor::bf16_to_f32;
using tensor::f32_to_bf16;

float round_to_bf16(float x) {
  return bf16_to_f32(f32_to_bf16(x));
}

std::ptrdiff_t key_index(int position, int i) {
  return (static_cast<std::ptrdiff_t>(i / 2) * kKeyBlock + position) * 2 + i % 2;
}
std::ptrdiff_t value_index(int position, int i, int width) {
  return (static_cast<std::ptrdiff_t>(position / 2) * value_columns(width) + i) * 2 + position % 2;
}

}  // namespace

void attention16(const float* q, std::ptrdiff_t q_stride, int rows, const KeyBlock16* blocks,
                 const int* visible, int width, float scale, float* scratch, float* out,
                 std::ptrdiff_t out_stride) noexcept {
  constexpr float kLog2E = 1.44269504f;
  for (int r = 0; r < rows; ++r, q += q_stride, out += out_stride) {
    const int keys = visible[r];
    float* scores = scratch;
    float largest = -INFINITY;
    for (int j = 0; j < keys; ++j) {
      float sum = 0;
      for (int i = 0; i < width; ++i) {
        sum += round_to_bf16(q[i] * (scale * kLog2E)) *
               bf16_to_f32(blocks[j / kKeyBlock].k[key_index(j % kKeyBlock, i)]);
      }
      scores[j] = sum;
      largest = std::max(largest, sum);
    }

    double sum = 0;
    for (int j = 0; j < keys; ++j) {
      const float p = std::exp2(scores[j] - largest);
      sum += p;
      scores[j] = round_to_bf16(p);
    }

    std::fill_n(out, width, 0.0f);
    for (int j = 0; j < keys; ++j) {
      for (int i = 0; i < width; ++i) {
        out[i] += scores[j] * bf16_to_f32(blocks[j / kKeyBlock].v[value_index(j % kKeyBlock, i, width)]);
      }
    }
    for (int i = 0; i < width; ++i) out[i] = static_cast<float>(out[i] / sum);
  }
}

void store_keys16(const float* k, const float* v, std::ptrdiff_t stride, int rows, int width, int slot,
                  MutableKeyBlock16 block) noexcept {
  for (int p = slot; p < slot + rows; ++p, k += stride, v += stride) {
    for (int i = 0; i < width; ++i) {
      block.k[key_index(p, i)] = f32_to_bf16(k[i]);
      block.v[value_index(p, i, width)] = f32_to_bf16(v[i]);
    }
    if (width % 2 != 0) block.k[key_index(p, width)] = 0;
  }
}

}  // namespace moonbeam::kernels::scalar
