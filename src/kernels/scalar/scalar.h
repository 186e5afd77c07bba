// The scalar kernels: plain loops, the definition of correct that every other folder is compared with.
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::scalar {

LayerNormFn layer_norm;
GeluFn gelu;
AddFn add;
PackRowsFn pack_rows;
TileFn tile;
AttentionFn attention;
Attention16Fn attention16;
StoreKeys16Fn store_keys16;
PackPanelFn pack_panel_f32, pack_panel_bf16, pack_panel_f16;
DotFn dot_f32, dot_bf16, dot_f16;

PackActivationsFn pack_activations_int8, pack_activations_int4, pack_activations_bf16;
PackedTileFn tile_int8, tile_int4, tile_bf16;
WidenInt4Fn widen_int4;

inline constexpr PackedKernels kInt8 = {6, pack_activations_int8, tile_int8};
inline constexpr PackedKernels kInt4 = {6, pack_activations_int4, tile_int4};
inline constexpr PackedKernels kBF16Packed = {6, pack_activations_bf16, tile_bf16};

extern const KernelTable kTable;

}  // namespace moonbeam::kernels::scalar
