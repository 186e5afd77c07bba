// Registers of the AVX-512 kernels.
#pragma once

#include "kernels/simd/vec16.h"

namespace moonbeam::kernels::avx512 {

struct Isa;
using Vec = simd::Vec16<Isa>;
using HalfVec = simd::Vec8<Isa>;        // for the last few columns of a row
inline constexpr int kTileVectors = 4;  // a tile of 6 x 64: 24 sums, 4 weights, 1 activation of 32 registers

}  // namespace moonbeam::kernels::avx512
