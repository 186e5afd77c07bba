// Registers of the AVX2 kernels.
#pragma once

#include "kernels/simd/vec8.h"

namespace moonbeam::kernels::avx2 {

struct Isa;
using Vec = simd::Vec8<Isa>;
using HalfVec = Vec;                    // for the last few columns of a row
inline constexpr int kTileVectors = 2;  // a tile of 6 x 16: 12 sums, 2 weights, 1 activation of 16 registers

}  // namespace moonbeam::kernels::avx2
