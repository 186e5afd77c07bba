// The AVX2 kernels: simd/ over the registers of vec.h. Nothing here may be called before the CPU is known to
// have them.
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::avx2 {

extern const KernelTable kTable;

// Products of packed weights, which AVX-512 without VNNI has no better ones for.
PackActivationsFn pack_int8, pack_int4, pack_bf16;
PackedTileFn tile_int8, tile_int4, tile_bf16;
WidenInt4Fn widen_int4;
inline constexpr PackedKernels kInt8 = {80, pack_int8, tile_int8};
inline constexpr PackedKernels kInt4 = {6, pack_int4, tile_int4};
inline constexpr PackedKernels kBF16 = {6, pack_bf16, tile_bf16};

}  // namespace moonbeam::kernels::avx2
