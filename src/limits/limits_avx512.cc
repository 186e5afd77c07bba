// The limits of AVX-512 without VNNI and BF16; compiled with its flags.
#include "kernels/simd/vec16.h"
#include "limits/limit_kernels.h"

namespace moonbeam::limits::avx512 {

struct Isa;
using Vec = kernels::simd::Vec16<Isa>;

struct Int8 {
  MB_INLINE static Vec dot(Vec sum, Vec a, Vec b) {
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_castps_si512(a.v), _mm512_castps_si512(b.v));
    const __m512i fours = _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
    return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(sum.v), fours))};
  }
};

constinit const LimitKernels kLimits = {.isa = "avx512",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {},
                                        .int8 = {bytes_loop<Vec, Int8>, 8 * Vec::kWidth},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::avx512
