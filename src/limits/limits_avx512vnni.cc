// The limits of AVX-512 with VNNI; compiled with its flags.
#include "kernels/simd/vec16.h"
#include "limits/limit_kernels.h"

namespace moonbeam::limits::avx512vnni {

struct Isa;
using Vec = kernels::simd::Vec16<Isa>;

struct Int8 {
  MB_INLINE static Vec dot(Vec sum, Vec a, Vec b) {
    return {_mm512_castsi512_ps(
        _mm512_dpbusd_epi32(_mm512_castps_si512(sum.v), _mm512_castps_si512(a.v), _mm512_castps_si512(b.v)))};
  }
};

constinit const LimitKernels kLimits = {.isa = "avx512vnni",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {},
                                        .int8 = {bytes_loop<Vec, Int8>, 8 * Vec::kWidth},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::avx512vnni
