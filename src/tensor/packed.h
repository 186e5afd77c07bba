// Packed matrices: weights of a linear layer in panels of 64 output columns, the order in which both the
// products of many rows and those of one row read them. One layout serves every instruction set; the drawings
// byte by byte are in docs/formats/moonbeam.md.
//
// A matrix [n, k] has ceil(n / 64) panels one after another, then what belongs to its columns. Letters: c is
// a column of the panel (output n = 64 panel + c), k is padded with zeros to a multiple of 64, n to one
// of 64.
//   int8         for each 4 k: 64 columns x 4 bytes, s8 in -127..127.
//                Then per column scale f32 [n padded], sum of its bytes i32 [n padded]. w = scale * q.
//   bf16_packed  for each 2 k: 64 columns x 2 values of 2 bytes.
//   int4         for each 32 k: 4 blocks of 64 columns x 4 bytes, byte b of block j holding k = 8 j + b in
//   its low
//                and k = 8 j + 4 + b in its high nibble as q + 8, q in -8..7; then 64 scales in bf16.
//                w = scale * q.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tensor/dtype.h"
#include "tensor/tensor_view.h"

namespace moonbeam::tensor {

inline constexpr int kPanelColumns = 64;
inline constexpr int kDepthStep = 64;  ///< k is padded to a multiple of this
inline constexpr int kInt4Group = 32;  ///< values of k under one scale
/// Columns that are packed at once: a cache line of a panel. Their rows of 8192 values in f32 fit into a
/// second-level cache.
inline constexpr int kStripColumns = 16;
inline constexpr int kStripsOfPanel = kPanelColumns / kStripColumns;

/// True of the three types above.
constexpr bool is_packed(DType type) noexcept {
  return type == DType::kInt8 || type == DType::kInt4 || type == DType::kBF16Packed;
}

/// Where things lie in a packed matrix [n, k]. Sizes in bytes.
struct PackedLayout {
  DType type;
  int n = 0, k = 0;
  int depth = 0;           ///< k padded
  int panels = 0;          ///< of kPanelColumns columns
  std::size_t panel = 0;   ///< bytes of one
  std::size_t scales = 0;  ///< offset of the columns' scales; int8 only
  std::size_t sums = 0;    ///< offset of the columns' sums; int8 only
  std::size_t bytes = 0;   ///< of all
};

/// None where the shape is no matrix or too large.
std::optional<PackedLayout> packed_layout(const Shape& shape, DType type) noexcept;
PackedLayout packed_layout(DType type, int n, int k) noexcept;

/// Packs columns [16 strip, 16 strip + 16) of a matrix. `rows`: the n rows of the matrix that are in the
/// strip, in f32, one after another, [columns, k], columns <= 16. `to`: the whole packed matrix, 64-byte
/// aligned. All strips of all panels have to be packed, by any threads. int4: the scale of each group is the
/// one with the least squared error of a few.
using PackStripFn = void(const PackedLayout& layout, int strip, const float* rows, int columns,
                         std::byte* to) noexcept;
PackStripFn pack_strip;
/// Four strips: columns [64 panel, 64 panel + 64).
void pack_panel(const PackedLayout& layout, int panel, const float* rows, int columns,
                std::byte* to) noexcept;

/// Values of row `row` of the matrix, `out` [k]: what the arithmetic takes the weights for.
void unpack_row(const PackedLayout& layout, const std::byte* from, int row, float* out) noexcept;

}  // namespace moonbeam::tensor
