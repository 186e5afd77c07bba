// The AVX2 kernels: simd/ over the registers of vec.h. Nothing here may be called before the CPU is known to
// have them.
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::avx2 {

extern const KernelTable kTable;

// Of tables above this one too: 16 lanes gain nothing.
tensor::PackStripFn pack_strip;

}  // namespace moonbeam::kernels::avx2
