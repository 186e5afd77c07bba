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
PackPanelFn pack_panel_f32, pack_panel_bf16, pack_panel_f16;
DotFn dot_f32, dot_bf16, dot_f16;

extern const KernelTable kTable;

}  // namespace moonbeam::kernels::scalar
