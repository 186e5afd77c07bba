// The limits of AVX-512; compiled with its flags.
#include "kernels/avx512/vec.h"
#include "limit_kernels.h"

namespace moonbeam::bench::avx512 {

using Vec = kernels::avx512::Vec;
constinit const LimitKernels kLimits = {
    .isa = "avx512", .width = Vec::kWidth, .fma = fma_loop<Vec>, .read = read_loop<Vec>};

}  // namespace moonbeam::bench::avx512
