// Attention of one head in bf16: a few rows at a time, scores against all keys, the softmax, the weighted sum
// of the values. What a row gives does not depend on the others.
//
// `P` is how an instruction set multiplies pairs (widened_pairs.h, avx512bf16/attention16.h):
//   V                   registers of f32
//   Element             what a row's queries and probabilities are kept as
//   kRows               rows at a time, at most kAttentionRows
//   kKeys, kColumns     registers of keys and of columns of the values of such a tile
//   Weights             a register of pairs: load(p), and first_of_pair() with the second of each made zero
//   Row                 one pair of a row in every lane: row(p)
//   V add(V, Row, Weights)   sum of the two products and a sum so far
//   V exp2(V)           2^x of x <= 0
//   store(V, Element*)  rounded to bf16; store_two(V, V, Element*) two of them
//   store_halves(V, uint16_t*)  likewise, as bf16
//   Half, kHasHalf      V, Weights, load(), row(), add() and first_of_pair() of half the width, if it has
//   them V join(V a, V b)    lane i: the pair of a[i] and b[i], rounded to bf16 V pairs(V a, V b)   the pairs
//   of neighbours of a, then of b, likewise
#pragma once

#include "kernels/simd/elementwise.h"
#include "kernels/simd/matmul.h"

namespace moonbeam::kernels::simd {

#define MB_UNROLL _Pragma("GCC unroll 8")
#define MB_UNROLL16 _Pragma("GCC unroll 16")

// 2^x of x <= 0 with x held at -126 at least. n = round(x), 2^(x - n) by a polynomial of degree 4 (minimax,
// 2.6e-6); degree 3 (7.5e-5) saves less than 1 % of the time.
template <class V>
MB_INLINE V exp2_of_negative(V x) {
  x = V::max(x, V::all(-126.0f));
  const V n = V::round(x);
  const V r = x - n;
  V p = V::fma(V::all(0.00957010191f), r, V::all(0.0559178603f));
  p = V::fma(p, r, V::all(0.240247448f));
  p = V::fma(p, r, V::all(0.693121815f));
  p = V::fma(p, r, V::all(0.999999261f));
  return V::times_power_of_two(p, n);
}

// One row takes more columns than several do, so that as many sums are in flight.
template <class P, int kRows, int kColumns>
constexpr int registers_for() {
  constexpr int kMost = kKeyBlock / P::V::kWidth;
  if (kRows == P::kRows) return kColumns;
  if (kRows == 1) return kMost > kColumns ? kMost : kColumns;
  return 2 * kColumns < kMost ? 2 * kColumns : kColumns;
}

// sums[r][v] += the pair of row r times weights(v), for one step.
template <class P, int kRows, int kCount, class Weights>
MB_INLINE void add_pairs(typename P::V (&sums)[kRows][kCount], const typename P::Element* pairs,
                         std::ptrdiff_t row_stride, const Weights& weights) {
  if constexpr (kRows <= 2) {
    typename P::Row rows[kRows];
    MB_UNROLL for (int r = 0; r < kRows; ++r) rows[r] = P::row(pairs + r * row_stride);
    MB_UNROLL for (int v = 0; v < kCount; ++v) {
      const auto w = weights(v);
      MB_UNROLL for (int r = 0; r < kRows; ++r) sums[r][v] = P::add(sums[r][v], rows[r], w);
    }
  } else {
    typename P::Weights w[kCount];
    MB_UNROLL for (int v = 0; v < kCount; ++v) w[v] = weights(v);
    MB_UNROLL for (int r = 0; r < kRows; ++r) {
      const auto row = P::row(pairs + r * row_stride);
      MB_UNROLL for (int v = 0; v < kCount; ++v) sums[r][v] = P::add(sums[r][v], row, w[v]);
    }
  }
}

// A single row reads its keys and values from memory, in pieces of a few KiB that lie apart: the processor's
// own prefetching is of no use, so each piece fetches the one after it. Many rows find theirs in the cache.
template <class P, int kRows, int kCount>
MB_INLINE void fetch_ahead(const std::uint16_t* p) {
  if constexpr (kRows == 1) {
    constexpr int kBytes = kCount * P::V::kWidth * 4;
    MB_UNROLL for (int b = 0; b < kBytes; b += 64) {
      __builtin_prefetch(reinterpret_cast<const std::byte*>(p) + b, 0, 2);
    }
  }
}

// Scores of kKeys registers of keys of one block for kRows rows, and the largest of each lane so far.
// `queries` [pairs, kRows, 2]; the first visible[r] - first of a row's scores count. `ahead`: what is read
// next.
template <class P, int kRows, int kKeys>
MB_INLINE void score_keys(const typename P::Element* queries, const std::uint16_t* keys,
                          const std::uint16_t* ahead, int pairs, int first, int least_visible,
                          const int* visible, float* scores, std::ptrdiff_t padded,
                          typename P::V (&largest)[kRows]) {
  using V = typename P::V;
  V sums[kRows][kKeys];
  MB_UNROLL for (int r = 0; r < kRows; ++r) {
    MB_UNROLL for (int v = 0; v < kKeys; ++v) sums[r][v] = V::zero();
  }
  for (int i = 0; i < pairs; ++i, queries += 2 * kRows, keys += 2 * kKeyBlock) {
    fetch_ahead<P, kRows, kKeys>(ahead);
    ahead += 2 * kKeyBlock;
    add_pairs<P>(
        sums, queries,
        2, [&](int v) __attribute__((always_inline)) { return P::load(keys + 2 * V::kWidth * v); });
  }
  MB_UNROLL for (int r = 0; r < kRows; ++r) {
    MB_UNROLL for (int v = 0; v < kKeys; ++v) sums[r][v].store(scores + r * padded + v * V::kWidth);
  }
  if (first + kKeys * V::kWidth <= least_visible) {
    MB_UNROLL for (int r = 0; r < kRows; ++r) {
      MB_UNROLL for (int v = 0; v < kKeys; ++v) largest[r] = V::max(largest[r], sums[r][v]);
    }
    return;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kKeys; ++v) {
      const int n = visible[r] - first - v * V::kWidth;
      if (n <= 0) break;
      const V score = V::load(scores + r * padded + v * V::kWidth);
      largest[r] = V::max(largest[r], n < V::kWidth ? V::keep_first(score, n, largest[r]) : score);
    }
  }
}

// The scores of a row become probabilities in place, zeros from `visible` up to `padded`. Returns the sum.
template <class P>
float weigh_row(float* scores, int visible, int padded, typename P::V largest) {
  using V = typename P::V;
  using Element = typename P::Element;
  constexpr int kStep = 2 * V::kWidth;
  auto* out = reinterpret_cast<Element*>(scores);
  const V top = V::all(largest.largest());
  V sums[2] = {V::zero(), V::zero()};
  int i = 0;
  for (; i + kStep <= visible; i += kStep) {
    const V a = P::exp2(V::load(scores + i) - top);
    const V b = P::exp2(V::load(scores + i + V::kWidth) - top);
    sums[0] = sums[0] + a;
    sums[1] = sums[1] + b;
    P::store_two(a, b, out + i);
  }
  for (; i < visible; i += V::kWidth) {
    const int n = visible - i < V::kWidth ? visible - i : V::kWidth;
    const V p = V::keep_first(P::exp2(V::load(scores + i) - top), n, V::zero());
    sums[0] = sums[0] + p;
    P::store(p, out + i);
  }
  for (; i < padded; i += V::kWidth) P::store(V::zero(), out + i);
  return (sums[0] + sums[1]).sum();
}

// kColumns registers of columns of kRows rows of the output, and where kHalf half a register more: 72 columns
// are four registers of 16 and one of 8.
template <class P, int kRows, int kColumns, bool kHalf>
struct Totals {
  using V = typename P::V;
  using H = typename P::Half;
  static constexpr int kHalves = kHalf ? kRows : 1;
  V whole[kRows][kColumns];
  typename H::V half[kHalves];

  MB_INLINE void clear() {
    MB_UNROLL for (int r = 0; r < kRows; ++r) {
      MB_UNROLL for (int v = 0; v < kColumns; ++v) whole[r][v] = V::zero();
    }
    MB_UNROLL for (int r = 0; r < kHalves; ++r) half[r] = H::V::zero();
  }

  // One pair of positions. The second of the last pair may be no position: what lies there is not ours.
  template <bool kFirstOnly>
  MB_INLINE void add(const typename P::Element* p, std::ptrdiff_t row_stride, const std::uint16_t* values) {
    const std::uint16_t* rest = values + 2 * V::kWidth * kColumns;
    add_pairs<P>(
        whole, p, row_stride, [&](int v) __attribute__((always_inline)) {
          const auto w = P::load(values + 2 * V::kWidth * v);
          return kFirstOnly ? P::first_of_pair(w) : w;
        });
    if constexpr (kHalf) {
      const auto loaded = H::load(rest);
      const auto w = kFirstOnly ? H::first_of_pair(loaded) : loaded;
      MB_UNROLL for (int r = 0; r < kRows; ++r) half[r] = H::add(half[r], H::row(p + r * row_stride), w);
    }
  }

  // `columns`: of the output that are left.
  MB_INLINE void store(const float* sums, float* out, std::ptrdiff_t out_stride, int columns) const {
    MB_UNROLL for (int r = 0; r < kRows; ++r, out += out_stride) {
      MB_UNROLL for (int v = 0; v < kColumns; ++v) {
        store_up_to(whole[r][v] / V::all(sums[r]), out + v * V::kWidth, columns - v * V::kWidth);
      }
      if constexpr (kHalf) {
        store_up_to(half[r] / H::V::all(sums[r]), out + kColumns * V::kWidth, columns - kColumns * V::kWidth);
      }
    }
  }
};

template <class P, int kRows, int kColumns, bool kHalf>
MB_INLINE void weigh_columns(const typename P::Element* probabilities, std::ptrdiff_t row_stride,
                             const KeyBlock16* blocks, int column, int keys, int width, const float* sums,
                             float* out, std::ptrdiff_t out_stride) {
  const std::ptrdiff_t stride = 2 * value_columns(width);
  Totals<P, kRows, kColumns, kHalf> totals;
  totals.clear();
  for (int first = 0; first < keys; first += kKeyBlock) {
    const std::uint16_t* values = blocks[first / kKeyBlock].v + 2 * column;
    const typename P::Element* p = probabilities + first;
    const int count = keys - first < kKeyBlock ? keys - first : kKeyBlock;
    const std::uint16_t* ahead =
        first + kKeyBlock < keys ? blocks[first / kKeyBlock + 1].v + 2 * column : values;
    for (int j = 0; j + 2 <= count; j += 2, values += stride, ahead += stride, p += 2) {
      fetch_ahead<P, kRows, kColumns>(ahead);
      totals.template add<false>(p, row_stride, values);
    }
    if (count % 2 != 0) totals.template add<true>(p, row_stride, values);
  }
  totals.store(sums, out + column, out_stride, width - column);
}

// From `column` on, kColumns registers at a time while there are as many.
template <class P, int kRows, int kColumns>
MB_INLINE void weigh_values(const typename P::Element* probabilities, std::ptrdiff_t row_stride,
                            const KeyBlock16* blocks, int column, int keys, int width, const float* sums,
                            float* out, std::ptrdiff_t out_stride) {
  constexpr int kWidth = P::V::kWidth;
  constexpr int kStep = kColumns * kWidth;
  for (; column + kStep < width + kWidth; column += kStep) {
    if constexpr (P::kHasHalf && kColumns > 1) {
      if (width - column <= kStep - kWidth / 2) {
        weigh_columns<P, kRows, kColumns - 1, true>(probabilities, row_stride, blocks, column, keys, width,
                                                    sums, out, out_stride);
        return;
      }
    }
    weigh_columns<P, kRows, kColumns, false>(probabilities, row_stride, blocks, column, keys, width, sums,
                                             out, out_stride);
  }
  if constexpr (kColumns > 1) {
    if (column < width) {
      weigh_values<P, kRows, kColumns - 1>(probabilities, row_stride, blocks, column, keys, width, sums, out,
                                           out_stride);
    }
  }
}

// Scores of the last block, of which `count` keys are seen: as few registers as hold them.
template <class P, int kRows, int kKeys, class... Args>
MB_INLINE void score_last(int count, Args&&... args) {
  if constexpr (kKeys > 1) {
    if (count <= (kKeys - 1) * P::V::kWidth) return score_last<P, kRows, kKeys - 1>(count, args...);
  }
  score_keys<P, kRows, kKeys>(args...);
}

// [pairs, kRows, 2], times `scale`.
template <class P, int kRows>
MB_INLINE void pack_queries(const float* q, std::ptrdiff_t q_stride, int width, float scale,
                            typename P::Element* queries) {
  using V = typename P::V;
  constexpr std::size_t kPair = 2 * sizeof(typename P::Element);
  for (int r = 0; r < kRows; ++r, q += q_stride) {
    for (int i = 0; i < width; i += V::kWidth) {
      alignas(64) typename P::Element values[V::kWidth];
      P::store(load_up_to<V>(q + i, width - i) * V::all(scale), values);
      const int n = width - i < V::kWidth ? width - i : V::kWidth;
      for (int j = 0; j < n; j += 2) __builtin_memcpy(queries + (i + j) * kRows + 2 * r, values + j, kPair);
    }
  }
}

template <class P, int kRows>
void attend16_rows(const float* q, std::ptrdiff_t q_stride, const KeyBlock16* blocks, const int* visible,
                   int width, float scale, float* scratch, float* out, std::ptrdiff_t out_stride) {
  using V = typename P::V;
  using Element = typename P::Element;
  constexpr int kKeys = registers_for<P, kRows, P::kKeys>();
  constexpr int kColumns = registers_for<P, kRows, P::kColumns>();
  int keys = 1, least = visible[0];
  for (int r = 0; r < kRows; ++r) {
    keys = visible[r] > keys ? visible[r] : keys;
    least = visible[r] < least ? visible[r] : least;
  }
  const int padded = (keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  const int pairs = (width + 1) / 2;
  float* scores = scratch;                                               // [kRows, padded]
  auto* queries = reinterpret_cast<Element*>(scratch + kRows * padded);  // [pairs, kRows, 2]
  pack_queries<P, kRows>(q, q_stride, width, scale * 1.44269504f, queries);

  V largest[kRows];
  MB_UNROLL for (int r = 0; r < kRows; ++r) largest[r] = V::all(-__builtin_inff());
  constexpr int kStep = kKeys * V::kWidth;
  for (int first = 0; first < keys; first += kStep) {
    const KeyBlock16* block = blocks + first / kKeyBlock;
    const int place = 2 * (first % kKeyBlock);
    const std::uint16_t* ahead = first + kKeyBlock < keys ? block[1].k + place : blocks[0].v + place;
    score_last<P, kRows, kKeys>(keys - first, queries, block->k + place, ahead, pairs, first, least, visible,
                                scores + first, padded, largest);
  }

  float sums[kRows];
  for (int r = 0; r < kRows; ++r) sums[r] = weigh_row<P>(scores + r * padded, visible[r], padded, largest[r]);

  constexpr std::ptrdiff_t kElements = sizeof(float) / sizeof(Element);
  weigh_values<P, kRows, kColumns>(reinterpret_cast<const Element*>(scores), padded * kElements, blocks, 0,
                                   keys, width, sums, out, out_stride);
}

template <int kCount>
struct Count {
  static constexpr int value = kCount;
};

template <class P>
void attention16(const float* q, std::ptrdiff_t q_stride, int rows, const KeyBlock16* blocks,
                 const int* visible, int width, float scale, float* scratch, float* out,
                 std::ptrdiff_t out_stride) noexcept {
  const auto attend = [&](auto count, int r) {
    attend16_rows<P, decltype(count)::value>(q + r * q_stride, q_stride, blocks, visible + r, width, scale,
                                             scratch, out + r * out_stride, out_stride);
  };
  int r = 0;
  for (; r + P::kRows <= rows; r += P::kRows) attend(Count<P::kRows>{}, r);
  for (; r + 2 <= rows; r += 2) attend(Count<2>{}, r);
  if (r < rows) attend(Count<1>{}, r);
}

// ---- storing

template <class P>
MB_INLINE void store_one16(const float* k, const float* v, int width, int slot, MutableKeyBlock16 block) {
  using V = typename P::V;
  std::uint16_t* to_k = block.k + 2 * slot;
  std::uint16_t* to_v = block.v + static_cast<std::ptrdiff_t>(slot / 2) * 2 * value_columns(width) + slot % 2;
  for (int i = 0; i < width; i += V::kWidth) {
    alignas(64) std::uint16_t values[V::kWidth];
    const int n = width - i < V::kWidth ? width - i : V::kWidth;
    P::store_halves(load_up_to<V>(k + i, n), values);
    for (int j = 0; j < n; j += 2) __builtin_memcpy(to_k + (i + j) * kKeyBlock, values + j, 4);
    P::store_halves(load_up_to<V>(v + i, n), values);
    for (int j = 0; j < n; ++j) to_v[2 * (i + j)] = values[j];
  }
}

// As many positions as a register has lanes: pairs of a row are turned into columns.
template <class P>
MB_INLINE void store_keys16_of(const float* k, std::ptrdiff_t stride, int rows, int width, float* to) {
  using V = typename P::V;
  constexpr int kWidth = V::kWidth;
  for (int i = 0; i < width; i += 2 * kWidth) {
    const int n = width - i;
    V pairs[kWidth];
    if (n >= 2 * kWidth && rows >= kWidth) {
      MB_UNROLL16 for (int r = 0; r < kWidth; ++r) {
        const float* row = k + r * stride + i;
        pairs[r] = P::pairs(V::load(row), V::load(row + kWidth));
      }
    } else {
      for (int r = 0; r < kWidth; ++r) {
        const float* row = k + r * stride + i;
        pairs[r] =
            r < rows ? P::pairs(load_up_to<V>(row, n), load_up_to<V>(row + kWidth, n - kWidth)) : V::zero();
      }
    }
    V::transpose(pairs);
    const int count = (n + 1) / 2 < kWidth ? (n + 1) / 2 : kWidth;
    for (int j = 0; j < count; ++j) {
      store_up_to(pairs[j], to + (i / 2 + j) * static_cast<std::ptrdiff_t>(kKeyBlock), rows);
    }
  }
}

// `to` holds pairs in places of floats.
template <class P>
MB_INLINE void store_values16_of(const float* a, const float* b, int width, float* to) {
  using V = typename P::V;
  for (int i = 0; i < width; i += V::kWidth) {
    const int n = width - i;
    store_up_to(P::join(load_up_to<V>(a + i, n), load_up_to<V>(b + i, n)), to + i, n);
  }
}

template <class P>
void store_keys16(const float* k, const float* v, std::ptrdiff_t stride, int rows, int width, int slot,
                  MutableKeyBlock16 block) noexcept {
  if (rows > 0 && slot % 2 != 0) {  // the second of a pair whose first is there already
    store_one16<P>(k, v, width, slot, block);
    k += stride;
    v += stride;
    ++slot;
    --rows;
  }
  const int even = rows / 2 * 2;
  auto* keys = reinterpret_cast<float*>(block.k);
  auto* values = reinterpret_cast<float*>(block.v);
  for (int r = 0; r < even; r += P::V::kWidth) {
    store_keys16_of<P>(k + r * stride, stride, even - r, width, keys + slot + r);
  }
  for (int r = 0; r < even; r += 2) {
    store_values16_of<P>(v + r * stride, v + (r + 1) * stride, width,
                         values + static_cast<std::ptrdiff_t>((slot + r) / 2) * value_columns(width));
  }
  if (even < rows) store_one16<P>(k + even * stride, v + even * stride, width, slot + even, block);
}

}  // namespace moonbeam::kernels::simd
