// Softmax attention of one head, a row at a time: scores, softmax, weighted sum of the values.
#include <algorithm>
#include <cmath>

#include "kernels/scalar/scalar.h"

namespace moonbeam::kernels::scalar {
namespace {

// q . key of position `key`; keys are [width][kKeyBlock].
float score(const float* q, const KeyBlock* blocks, int key, int width) {
  const float* column = blocks[key / kKeyBlock].k + key % kKeyBlock;
  float sum = 0;
  for (int i = 0; i < width; ++i) sum += q[i] * column[static_cast<std::ptrdiff_t>(i) * kKeyBlock];
  return sum;
}

}  // namespace

void attention(const float* q, std::ptrdiff_t q_stride, int rows, const KeyBlock* blocks, const int* visible,
               int width, float scale, float* scores, float* out, std::ptrdiff_t out_stride) noexcept {
  for (int r = 0; r < rows; ++r, q += q_stride, out += out_stride) {
    const int keys = visible[r];
    for (int j = 0; j < keys; ++j) scores[j] = score(q, blocks, j, width) * scale;

    const float largest = *std::max_element(scores, scores + keys);
    double sum = 0;
    for (int j = 0; j < keys; ++j) {
      scores[j] = std::exp(scores[j] - largest);
      sum += scores[j];
    }

    std::fill_n(out, width, 0.0f);
    for (int j = 0; j < keys; ++j) {
      const float* value = blocks[j / kKeyBlock].v + static_cast<std::ptrdiff_t>(j % kKeyBlock) * width;
      for (int i = 0; i < width; ++i) out[i] += scores[j] * value[i];
    }
    for (int i = 0; i < width; ++i) out[i] = static_cast<float>(out[i] / sum);
  }
}

}  // namespace moonbeam::kernels::scalar
