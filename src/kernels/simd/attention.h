// Attention of one head on vectors `V` of the including folder: six rows at a time, scores against all keys,
// one pass of softmax, then the weighted sum of the values. What a row gives does not depend on the other
// five.
#pragma once

#include "kernels/simd/elementwise.h"
#include "kernels/simd/matmul.h"

namespace moonbeam::kernels::simd {

// Makes e^(s - max) of the first `visible` of a row's scores, zeros up to `keys`. Returns the sum.
template <class V>
float softmax_row(float* scores, int visible, int keys) {
  V largest = V::all(scores[0]);
  int i = 0;
  for (; i + V::kWidth <= visible; i += V::kWidth) largest = V::max(largest, V::load(scores + i));
  const V tail = i < visible ? V::load_first(scores + i, visible - i) : V::zero();
  if (i < visible) largest = V::max(largest, V::keep_first(tail, visible - i, largest));
  const V top = V::all(largest.largest());

  V sum = V::zero();
  for (i = 0; i + V::kWidth <= visible; i += V::kWidth) {
    const V p = exp(V::load(scores + i) - top);
    p.store(scores + i);
    sum = sum + p;
  }
  if (i < visible) {
    const V p = V::keep_first(exp(tail - top), visible - i, V::zero());
    p.store(scores + i);  // rows of scores are padded to whole blocks of keys
    sum = sum + p;
    i += V::kWidth;
  }
  for (; i < keys; i += V::kWidth) V::zero().store(scores + i);
  return sum.sum();
}

// kVectors registers of columns of kRows rows of the output: probabilities times values, divided by the sums.
template <class V, int kRows, int kVectors>
MB_INLINE void weigh_values(const float* scores, std::ptrdiff_t keys_padded, const KeyBlock* blocks,
                            int column, int keys, int width, const float* sums, float* out,
                            std::ptrdiff_t out_stride) {
  V totals[kRows][kVectors];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) totals[r][v] = V::zero();
  }
  for (int first = 0; first < keys; first += kKeyBlock) {
    const int count = keys - first < kKeyBlock ? keys - first : kKeyBlock;
    multiply_add<V, kRows, kVectors, 1>(totals, scores + first, keys_padded,
                                        blocks[first / kKeyBlock].v + column, width, count);
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      (totals[r][v] / V::all(sums[r])).store(out + r * out_stride + column + v * V::kWidth);
    }
  }
}

// The last columns of a width that is no multiple of the narrowest register.
template <class V, int kRows>
void weigh_tail(const float* scores, std::ptrdiff_t keys_padded, const KeyBlock* blocks, int column, int keys,
                int width, const float* sums, float* out, std::ptrdiff_t out_stride) {
  const int n = width - column;
  for (int r = 0; r < kRows; ++r) {
    V total = V::zero();
    for (int j = 0; j < keys; ++j) {
      const float* value =
          blocks[j / kKeyBlock].v + static_cast<std::ptrdiff_t>(j % kKeyBlock) * width + column;
      total = V::fma(V::all(scores[r * keys_padded + j]), V::load_first(value, n), total);
    }
    (total / V::all(sums[r])).store_first(out + r * out_stride + column, n);
  }
}

template <class V, class Half, int kVectors, int kRows>
void attend_rows(const float* q, std::ptrdiff_t q_stride, const KeyBlock* blocks, const int* visible,
                 int width, float scale, float* scratch, float* out, std::ptrdiff_t out_stride) {
  int keys = 1;
  for (int r = 0; r < kRows; ++r) keys = visible[r] > keys ? visible[r] : keys;
  const std::ptrdiff_t padded = (keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  float* scores = scratch;                   // [kRows, padded]
  float* packed = scratch + kRows * padded;  // [width, kTileRows]
  for (int i = 0; i < width; ++i) {
    for (int r = 0; r < kRows; ++r) packed[i * kTileRows + r] = q[r * q_stride + i] * scale;
  }
  static_assert(kKeyBlock == kPanel && kKeyBlock % (kVectors * V::kWidth) == 0);
  for (int first = 0; first < keys; first += kKeyBlock) {
    for (int c = 0; c < kKeyBlock; c += kVectors * V::kWidth) {
      tile_of<V, kRows, kVectors>(packed, blocks[first / kKeyBlock].k + c, width, kKeyBlock - c, nullptr,
                                  false, scores + first + c, padded);
    }
  }

  float sums[kRows];
  for (int r = 0; r < kRows; ++r) {
    sums[r] = softmax_row<V>(scores + r * padded, visible[r], static_cast<int>(padded));
  }

  int column = 0;
  for (; column + kVectors * V::kWidth <= width; column += kVectors * V::kWidth) {
    weigh_values<V, kRows, kVectors>(scores, padded, blocks, column, keys, width, sums, out, out_stride);
  }
  for (; column + V::kWidth <= width; column += V::kWidth) {
    weigh_values<V, kRows, 1>(scores, padded, blocks, column, keys, width, sums, out, out_stride);
  }
  for (; column + Half::kWidth <= width; column += Half::kWidth) {
    weigh_values<Half, kRows, 1>(scores, padded, blocks, column, keys, width, sums, out, out_stride);
  }
  if (column < width)
    weigh_tail<Half, kRows>(scores, padded, blocks, column, keys, width, sums, out, out_stride);
}

// kVectors is for six rows; fewer rows take more columns at a time, so that as many sums are in flight.
template <class V, class Half, int kVectors>
void attention(const float* q, std::ptrdiff_t q_stride, int rows, const KeyBlock* blocks, const int* visible,
               int width, float scale, float* scores, float* out, std::ptrdiff_t out_stride) noexcept {
  constexpr int kAll = kKeyBlock / V::kWidth;
  constexpr int kOfTwo = 2 * kVectors < kAll ? 2 * kVectors : kAll;
  constexpr int kOfOne = 4 * kVectors < kAll ? 4 * kVectors : kAll;
  int r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    attend_rows<V, Half, kVectors, kTileRows>(q + r * q_stride, q_stride, blocks, visible + r, width, scale,
                                              scores, out + r * out_stride, out_stride);
  }
  for (; r + 2 <= rows; r += 2) {
    attend_rows<V, Half, kOfTwo, 2>(q + r * q_stride, q_stride, blocks, visible + r, width, scale, scores,
                                    out + r * out_stride, out_stride);
  }
  if (r < rows) {
    attend_rows<V, Half, kOfOne, 1>(q + r * q_stride, q_stride, blocks, visible + r, width, scale, scores,
                                    out + r * out_stride, out_stride);
  }
}

}  // namespace moonbeam::kernels::simd
