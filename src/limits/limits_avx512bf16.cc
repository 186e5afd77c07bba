// The limits of AVX-512 with VNNI and BF16; compiled with its flags.
#include "kernels/simd/vec16.h"
#include "limits/limit_kernels.h"

namespace moonbeam::limits::avx512bf16 {

struct Isa;
using Vec = kernels::simd::Vec16<Isa>;

struct Int8 {
  MB_INLINE static Vec dot(Vec sum, Vec a, Vec b) {
    return {_mm512_castsi512_ps(
        _mm512_dpbusd_epi32(_mm512_castps_si512(sum.v), _mm512_castps_si512(a.v), _mm512_castps_si512(b.v)))};
  }
};

struct BF16 {
  MB_INLINE static Vec dot(Vec sum, Vec a, Vec b) {
    __m512bh pairs[2];
    __builtin_memcpy(&pairs[0], &a.v, sizeof a.v);
    __builtin_memcpy(&pairs[1], &b.v, sizeof b.v);
    return {_mm512_dpbf16_ps(sum.v, pairs[0], pairs[1])};
  }
};

constinit const LimitKernels kLimits = {.isa = "avx512bf16",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {bytes_loop<Vec, BF16>, 4 * Vec::kWidth},
                                        .int8 = {bytes_loop<Vec, Int8>, 8 * Vec::kWidth},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::avx512bf16
