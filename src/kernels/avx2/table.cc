// The AVX2 table. The only file of this folder that is compiled, with the instruction set's flags.
#include "kernels/avx2/attention16.h"
#include "kernels/avx2/avx2.h"
#include "kernels/avx2/vec.h"
#include "kernels/simd/attention.h"
#include "kernels/simd/elementwise.h"
#include "kernels/simd/matmul.h"
#include "kernels/simd/packed256.h"
#include "tensor/packed_loops.h"

namespace moonbeam::kernels::avx2 {

namespace {
using Packed = simd::Packed8<simd::PackedMaddubs<Isa>>;
}  // namespace

void pack_strip(const tensor::PackedLayout& layout, int strip, const float* rows, int columns,
                std::byte* to) noexcept {
  tensor::PackLoops<8, Isa>::pack_strip(layout, strip, rows, columns, to);
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
    .int8 = Packed::kInt8,
    .int4 = Packed::kInt4,
    .bf16_packed = Packed::kBF16,
    .widen_int4 = Packed::widen_int4,
    .pack_strip = pack_strip,
};

}  // namespace moonbeam::kernels::avx2
