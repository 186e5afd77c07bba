// The table of kernels: pure maths on pointers. No configuration, no allocation, no threads.
//
// One folder per instruction set; `scalar` is the definition of correct. Weight matrices are [n, k] row-major
// in the type of the file; activations are f32. To multiply many rows, weights are packed into panels of
// kPanel output columns and activations into panels of kTileRows rows:
//   weight panel      [k][kPanel]     column c of panel p is weight row p * kPanel + c
//   activation panel  [k][kTileRows]  row r of panel p is activation row p * kTileRows + r
// Missing rows and columns at the edges are zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/attention16.h"
#include "tensor/dtype.h"
#include "tensor/packed.h"

namespace moonbeam::kernels {

inline constexpr int kPanel = tensor::kPanelColumns;  ///< output columns of a weight panel, 64
inline constexpr int kTileRows = 6;                   ///< activation rows of a tile

/// Keys [heads, width, kKeyBlock] (positions fastest) and values [heads, kKeyBlock, width] of a block.
struct KeyBlock {
  const float* k;
  const float* v;
};
struct MutableKeyBlock {
  float* k;
  float* v;
};

/// x, out [rows, width]; out may be x. Biased variance: (x - mean) / sqrt(var + eps) * weight + bias.
using LayerNormFn = void(const float* x, const float* weight, const float* bias, float* out, int rows,
                         int width, float eps) noexcept;
/// x [n] in place, tanh form.
using GeluFn = void(float* x, int n) noexcept;
/// out[i] += x[i].
using AddFn = void(const float* x, float* out, int n) noexcept;

/// Packs activations: rows [0, rows) of x (row stride in floats), columns [0, k), into ceil(rows / kTileRows)
/// panels, one after another, each [k][kTileRows].
using PackRowsFn = void(const float* x, std::ptrdiff_t stride, int rows, int k, float* panels) noexcept;
/// Packs weights: `columns` <= kPanel rows of the weight matrix, elements [0, k) of each (row stride in
/// bytes), into one panel [k][kPanel].
using PackPanelFn = void(const std::byte* weights, std::ptrdiff_t stride, int columns, int k,
                         float* panel) noexcept;
/// One activation panel times one weight panel: out[r * out_stride + c] (+)= sum over k, for `rows` <=
/// kTileRows and `columns` <= kPanel. `bias` [columns] or null is the start of the sum where accumulate is
/// false; accumulate continues the sum that is in out.
using TileFn = void(const float* rows_panel, const float* weight_panel, int k, int rows, int columns,
                    const float* bias, bool accumulate, float* out, std::ptrdiff_t out_stride) noexcept;
/// Few rows: out[r * out_stride + c] = bias[c] + x[r] . weights[c], for `rows` <= 4 rows of x (row stride
/// x_stride floats) and `columns` rows of the weight matrix. The order of a sum depends on k alone.
using DotFn = void(const float* x, std::ptrdiff_t x_stride, int rows, const std::byte* weights,
                   std::ptrdiff_t stride, int columns, int k, const float* bias, float* out,
                   std::ptrdiff_t out_stride) noexcept;

/// One head: `rows` queries (row stride q_stride) against blocks of keys. keys [width, kKeyBlock] and values
/// [kKeyBlock, width] of block b at blocks[b].k and .v (this head's part). Row r sees the first visible[r]
/// positions. `scores`: scratch of attention_scratch() floats.
using AttentionFn = void(const float* q, std::ptrdiff_t q_stride, int rows, const KeyBlock* blocks,
                         const int* visible, int width, float scale, float* scores, float* out,
                         std::ptrdiff_t out_stride) noexcept;
/// Floats of scratch that AttentionFn needs for rows that see at most `keys` positions.
constexpr std::size_t attention_scratch(int keys, int width) {
  return static_cast<std::size_t>(kTileRows) *
         static_cast<std::size_t>((keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock + width + kKeyBlock);
}

/// Kernels for weights of one type; types without any go through DTypeInfo::dequantize and the f32 ones.
struct WeightKernels {
  PackPanelFn* pack_panel = nullptr;
  DotFn* dot = nullptr;
};

/// What becomes of a finished sum y.
enum class Epilogue {
  kStore,  ///< out = y
  kGelu,   ///< out = gelu_tanh(y)
  kAdd,    ///< out += y (residual)
};

/// Packed weights (tensor/packed.h) are multiplied by packed activations: panels of at most `tile_rows` rows
/// in an order that is the table's own and that may depend on the panel's rows, one after another; all are
/// full but the last. Bytes of a panel of `rows` rows: activation_bytes().
///
/// Sums of int8 are exact, so every table and every number of rows gives the same integers:
///   activations  u = clamp(round(x / s) + z, 1, 255), s = (max - min) / 254, z = 1 - round(min / s); min and
///   max of
///                the row with 0, round to nearest even. 254 steps, because u - 128 then fits -127..127.
///   result       y = s scale[c] (sum u q - z sums[c]) + bias[c]
/// int4: a row's group of 32 values has s8 activations, a = round(x / t), t = max |x| / 127, and
///   y = sum over groups, in order, of t scale (sum a q), + bias[c]
/// bf16_packed: activations are rounded to bf16, products summed in f32, then bias[c] is added.
using PackActivationsFn = void(const float* x, std::ptrdiff_t stride, int rows, int k,
                               std::byte* panels) noexcept;

/// One activation panel times one weight panel.
struct PackedTile {
  const std::byte* activations;  ///< panel of `rows` rows
  const std::byte* weights;      ///< panel; from value `begin` on where the sum is taken in parts
  const float* scales;           ///< [kPanel] int8 only
  const std::int32_t* sums;      ///< [kPanel] int8 only
  const float* bias;             ///< [columns] or null
  int rows, columns;             ///< of the output; columns <= kPanel
  int begin, end;                ///< values of k to sum, multiples of tensor::kDepthStep
  int depth;                     ///< all of them
  /// Sums so far where begin > 0, and written instead of `out` where end < depth: [rows][kPanel], bf16_packed
  /// only.
  float* partial;
  Epilogue epilogue;
  float* out;  ///< row r at out + r * out_stride
  std::ptrdiff_t out_stride;
};
using PackedTileFn = void(const PackedTile& tile) noexcept;

struct PackedKernels {
  int tile_rows;
  PackActivationsFn* pack;
  PackedTileFn* tile;
};

/// An int4 panel as an int8 one, for products of many rows: scale S[c] = max over groups |scale| 8 / 127;
/// q8 = (16 q m + 2^14) >> 15 with m = round(scale / S 2048), which is round(q scale / S). `panel` [depth /
/// 4][kPanel][4], scales and sums [kPanel].
using WidenInt4Fn = void(const std::byte* int4_panel, int depth, std::byte* panel, float* scales,
                         std::int32_t* sums) noexcept;

/// Bytes of a packed activation panel of `rows` rows. int8: a header of scale f32 and zero i32 a row, padded
/// to a cache line. int4: for each group also scale f32 and -8 (sum of its activations) i32 a row.
constexpr std::size_t activation_bytes(tensor::DType type, int rows, int depth) {
  const auto r = static_cast<std::size_t>(rows);
  const auto k = static_cast<std::size_t>(depth);
  if (type == tensor::DType::kBF16Packed) return r * k * 2;
  if (type == tensor::DType::kInt4) return r * (k + k / tensor::kInt4Group * 8);
  return (r * 8 + 63) / 64 * 64 + r * k;
}

struct KernelTable {
  std::string_view isa;  ///< "scalar", "avx2", "neon_dotprod", ...
  LayerNormFn* layer_norm;
  GeluFn* gelu;
  AddFn* add;
  PackRowsFn* pack_rows;
  TileFn* tile;
  AttentionFn* attention;
  Attention16Fn* attention16;
  StoreKeys16Fn* store_keys16;
  WeightKernels f32, bf16, f16;
  PackedKernels int8, int4, bf16_packed;
  WidenInt4Fn* widen_int4;
  tensor::PackStripFn* pack_strip;  ///< packs weights; every table makes the same bytes

  /// Null members where the type has no kernels of its own.
  WeightKernels weights(tensor::DType type) const noexcept;
  /// `type`: one that tensor::is_packed() is true of.
  const PackedKernels& packed(tensor::DType type) const noexcept;
};

/// Best for this CPU, or the one named by MOONBEAM_ISA. @throws Error kUnsupported (name unknown or not
/// runnable here), listing the runnable ones.
const KernelTable& kernels();
/// By name; empty is kernels().
const KernelTable& kernels(std::string_view isa);
/// What this CPU can run, scalar first: tests and benchmarks loop over these.
std::span<const KernelTable* const> runnable_kernels();

}  // namespace moonbeam::kernels
