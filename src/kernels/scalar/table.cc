// The scalar table.
#include "kernels/scalar/scalar.h"

namespace moonbeam::kernels::scalar {

constinit const KernelTable kTable = {
    .isa = "scalar",
    .layer_norm = layer_norm,
    .gelu = gelu,
    .add = add,
    .pack_rows = pack_rows,
    .tile = tile,
    .attention = attention,
    .attention16 = attention16,
    .store_keys16 = store_keys16,
    .f32 = {.pack_panel = pack_panel_f32, .dot = dot_f32},
    .bf16 = {.pack_panel = pack_panel_bf16, .dot = dot_bf16},
    .f16 = {.pack_panel = pack_panel_f16, .dot = dot_f16},
    .int8 = kInt8,
    .int4 = kInt4,
    .bf16_packed = kBF16Packed,
    .widen_int4 = widen_int4,
    .pack_strip = tensor::pack_strip,
};

}  // namespace moonbeam::kernels::scalar
