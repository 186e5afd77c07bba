// Attention whose keys, values and products are bf16: the blocks, their sizes, the signatures of the kernels.
//
// Pairs of values that a product sums in one step lie side by side: for the scores two of a head's width, for
// the weighted sum two positions. So both products read whole registers, one after another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace moonbeam::kernels {

inline constexpr int kKeyBlock = 64;  ///< positions in a block of keys or values

/// Keys and values of kKeyBlock positions. H heads, K head width, C = value_columns(K); a value of width i of
/// position p of a head is
///   k [H, ceil(K / 2), kKeyBlock, 2]   at [i / 2][p][i % 2]; where K is odd the last of each pair is zero
///   v [H, kKeyBlock / 2, C, 2]         at [p / 2][i][p % 2]; columns from K on hold nothing
struct KeyBlock16 {
  const std::uint16_t* k;
  const std::uint16_t* v;
};
struct MutableKeyBlock16 {
  std::uint16_t* k;
  std::uint16_t* v;
};

/// Columns of the values of a head, so that every pair of positions fills whole cache lines.
constexpr int value_columns(int width) {
  return (width + 15) / 16 * 16;
}
/// Elements of one head in a block.
constexpr std::size_t key_elements(int width) {
  return static_cast<std::size_t>(width + 1) / 2 * 2 * kKeyBlock;
}
constexpr std::size_t value_elements(int width) {
  return static_cast<std::size_t>(value_columns(width)) * kKeyBlock;
}

/// AttentionFn (kernels.h) for one head of such blocks, in bf16: queries times scale log2(e) are rounded to
/// bf16, scores are sums in f32, probabilities 2^(score - largest) are rounded to bf16 and divided by their
/// sum, taken before the rounding, at the end. `scratch`: attention16_scratch() floats, 64-byte aligned.
using Attention16Fn = void(const float* q, std::ptrdiff_t q_stride, int rows, const KeyBlock16* blocks,
                           const int* visible, int width, float scale, float* scratch, float* out,
                           std::ptrdiff_t out_stride) noexcept;

/// Rows that an Attention16Fn takes at once, at most; a multiple of it wastes nothing.
inline constexpr int kAttentionRows = 6;
/// Floats of scratch for rows that see at most `keys` positions.
constexpr std::size_t attention16_scratch(int keys, int width) {
  const auto scores = static_cast<std::size_t>((keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock);
  const auto queries = static_cast<std::size_t>((width + 1) / 2 * 2);
  return static_cast<std::size_t>(kAttentionRows) * (scores + queries);
}

/// Stores `rows` positions of one head from `slot` on: k and v are f32 rows of `width`, `stride` floats
/// apart; `block` is this head's part. slot + rows <= kKeyBlock. Rounds to nearest even.
using StoreKeys16Fn = void(const float* k, const float* v, std::ptrdiff_t stride, int rows, int width,
                           int slot, MutableKeyBlock16 block) noexcept;

}  // namespace moonbeam::kernels
