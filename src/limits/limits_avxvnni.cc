// The limits of AVX-VNNI; compiled with its flags.
#include "kernels/simd/vec8.h"
#include "limits/limit_kernels.h"

namespace moonbeam::limits::avxvnni {

struct Isa;
using Vec = kernels::simd::Vec8<Isa>;

struct Int8 {
  MB_INLINE static Vec dot(Vec sum, Vec a, Vec b) {
    return {_mm256_castsi256_ps(_mm256_dpbusd_avx_epi32(_mm256_castps_si256(sum.v), _mm256_castps_si256(a.v),
                                                        _mm256_castps_si256(b.v)))};
  }
};

constinit const LimitKernels kLimits = {.isa = "avxvnni",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {},
                                        .int8 = {bytes_loop<Vec, Int8>, 8 * Vec::kWidth},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::avxvnni
