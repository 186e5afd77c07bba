// The limits of ARMv8.2 with the dot product; compiled with its flag.
#include "limits/limits_neon.h"

namespace moonbeam::limits::neon_dotprod {

struct Isa;
using Vec = kernels::neon::Vec8<Isa>;

struct Int8 {
  MB_INLINE static float32x4_t four(float32x4_t sum, float32x4_t a, float32x4_t b) {
    return vreinterpretq_f32_s32(
        vdotq_s32(vreinterpretq_s32_f32(sum), vreinterpretq_s8_f32(a), vreinterpretq_s8_f32(b)));
  }
};

constinit const LimitKernels kLimits = {.isa = "neon_dotprod",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {},
                                        .int8 = {bytes_loop<Vec, Both<Vec, Int8>>, 8 * Vec::kWidth},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::neon_dotprod
