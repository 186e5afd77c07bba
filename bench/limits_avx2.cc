// The limits of AVX2; compiled with its flags.
#include "kernels/avx2/vec.h"
#include "limit_kernels.h"

namespace moonbeam::bench::avx2 {

using Vec = kernels::avx2::Vec;
constinit const LimitKernels kLimits = {
    .isa = "avx2", .width = Vec::kWidth, .fma = fma_loop<Vec>, .read = read_loop<Vec>};

}  // namespace moonbeam::bench::avx2
