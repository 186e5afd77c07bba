// The limits of ARMv8.6's matrix products, with those of bf16 and without; compiled with their flags. An
// instruction is 2 x 2 sums of 8 products of bytes or 4 of bf16.
#include "limits/limits_neon.h"

namespace moonbeam::limits::neon_i8mm {

struct Isa;
using Vec = kernels::neon::Vec8<Isa>;

struct Int8 {
  MB_INLINE static float32x4_t four(float32x4_t sum, float32x4_t a, float32x4_t b) {
    return vreinterpretq_f32_s32(
        vusmmlaq_s32(vreinterpretq_s32_f32(sum), vreinterpretq_u8_f32(a), vreinterpretq_s8_f32(b)));
  }
};

struct BF16 {
  MB_INLINE static float32x4_t four(float32x4_t sum, float32x4_t a, float32x4_t b) {
    return vbfmmlaq_f32(sum, vreinterpretq_bf16_f32(a), vreinterpretq_bf16_f32(b));
  }
};

constexpr Peak kF32 = {fma_loop<Vec>, 2 * Vec::kWidth};
constexpr Peak kInt8 = {bytes_loop<Vec, Both<Vec, Int8>>, 16 * Vec::kWidth};

constinit const LimitKernels kLimits = {
    .isa = "neon_i8mm", .f32 = kF32, .bf16 = {}, .int8 = kInt8, .read = read_loop<Vec>};
constinit const LimitKernels kLimitsWithBF16 = {.isa = "neon_i8mm",
                                                .f32 = kF32,
                                                .bf16 = {bytes_loop<Vec, Both<Vec, BF16>>, 8 * Vec::kWidth},
                                                .int8 = kInt8,
                                                .read = read_loop<Vec>};

}  // namespace moonbeam::limits::neon_i8mm
