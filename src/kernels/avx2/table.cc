// The AVX2 table. The only file of this folder that is compiled, with the instruction set's flags.
#include "kernels/avx2/attention16.h"
#include "kernels/avx2/avx2.h"
#include "kernels/avx2/vec.h"
#include "kernels/simd/attention.h"
#include "kernels/simd/elementwise.h"
#include "kernels/simd/matmul.h"
#include "kernels/simd/packed256.h"

namespace moonbeam::kernels::avx2 {

namespace {
using Packed = simd::Packed8<simd::PackedMaddubs<Isa>>;
static_assert(Packed::kInt8.tile_rows == kInt8.tile_rows && Packed::kInt4.tile_rows == kInt4.tile_rows &&
              Packed::kBF16.tile_rows == kBF16.tile_rows);
}  // namespace

void pack_int8(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panels) noexcept {
  Packed::kInt8.pack(x, stride, rows, k, panels);
}
void pack_int4(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panels) noexcept {
  Packed::kInt4.pack(x, stride, rows, k, panels);
}
void pack_bf16(const float* x, std::ptrdiff_t stride, int rows, int k, std::byte* panels) noexcept {
  Packed::kBF16.pack(x, stride, rows, k, panels);
}
void tile_int8(const PackedTile& tile) noexcept {
  Packed::tile_int8(tile);
}
void tile_int4(const PackedTile& tile) noexcept {
  Packed::tile_int4(tile);
}
void tile_bf16(const PackedTile& tile) noexcept {
  Packed::tile_bf16(tile);
}
void widen_int4(const std::byte* int4_panel, int depth, std::byte* panel, float* scales,
                std::int32_t* sums) noexcept {
  Packed::widen_int4(int4_panel, depth, panel, scales, sums);
}

constinit const KernelTable kTable = {
    .isa = "avx2",
    .layer_norm = simd::layer_norm<Vec>,
    .gelu = simd::gelu<Vec>,
    .add = simd::add<Vec>,
    .pack_rows = simd::pack_rows<HalfVec>,
    .tile = simd::tile<Vec, kTileVectors>,
    .attention = simd::attention<Vec, HalfVec, kTileVectors>,
    .attention16 = simd::attention16<Pairs>,
    .store_keys16 = simd::store_keys16<Pairs>,
    .f32 = {.pack_panel = simd::pack_panel<Vec, simd::F32>, .dot = simd::dot<Vec, simd::F32>},
    .bf16 = {.pack_panel = simd::pack_panel<Vec, simd::BF16>, .dot = simd::dot<Vec, simd::BF16>},
    .f16 = {.pack_panel = simd::pack_panel<Vec, simd::F16>, .dot = simd::dot<Vec, simd::F16>},
    .int8 = kInt8,
    .int4 = kInt4,
    .bf16_packed = kBF16,
    .widen_int4 = widen_int4,
};

}  // namespace moonbeam::kernels::avx2
