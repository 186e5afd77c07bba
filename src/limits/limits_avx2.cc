// The limits of AVX2; compiled with its flags.
#include "kernels/avx2/vec.h"
#include "limits/limit_kernels.h"

namespace moonbeam::limits::avx2 {

using Vec = kernels::avx2::Vec;

struct Int8 {
  MB_INLINE static Vec dot(Vec sum, Vec a, Vec b) {
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_castps_si256(a.v), _mm256_castps_si256(b.v));
    const __m256i fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum.v), fours))};
  }
};

constinit const LimitKernels kLimits = {.isa = "avx2",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {},
                                        .int8 = {bytes_loop<Vec, Int8>, 8 * Vec::kWidth},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::avx2
