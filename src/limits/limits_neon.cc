// The limits of any 64-bit ARM. A step is of pairs of 128-bit registers.
#include "limits/limits_neon.h"

namespace moonbeam::limits::neon {

struct Isa;
using Vec = kernels::neon::Vec8<Isa>;

// Sums of two products in 16 bits, then of two of those in 32.
struct Int8 {
  MB_INLINE static float32x4_t four(float32x4_t sum, float32x4_t a, float32x4_t b) {
    const int8x16_t x = vreinterpretq_s8_f32(a), y = vreinterpretq_s8_f32(b);
    const int16x8_t pairs = vmlal_high_s8(vmull_s8(vget_low_s8(x), vget_low_s8(y)), x, y);
    return vreinterpretq_f32_s32(vpadalq_s16(vreinterpretq_s32_f32(sum), pairs));
  }
};

constinit const LimitKernels kLimits = {.isa = "neon",
                                        .f32 = {fma_loop<Vec>, 2 * Vec::kWidth},
                                        .bf16 = {},
                                        .int8 = {bytes_loop<Vec, Both<Vec, Int8>>, 8 * Vec::kWidth},
                                        .read = read_loop<Vec>};

}  // namespace moonbeam::limits::neon
