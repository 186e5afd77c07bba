// The table of ARMv8.0, on simd/ like AVX2's: registers are pairs, so that shapes of tiles are the same.
#include "kernels/neon/attention16.h"
#include "kernels/neon/neon.h"
#include "kernels/neon/packed.h"
#include "kernels/simd/attention.h"
#include "kernels/simd/elementwise.h"
#include "kernels/simd/matmul.h"

namespace moonbeam::kernels::neon {
namespace {

struct Isa;
using Vec = Vec8<Isa>;
constexpr int kTileVectors = 2;  // a tile of 6 x 16: 24 sums, 4 weights, 1 activation of 32 registers

// Products of s8 in 16 bits, two of which fit, then pairs of them in 32.
struct Dot {
  template <int kLane>
  MB_INLINE static int32x4_t dot(int32x4_t sum, int8x16_t w, int8x16_t a) {
    const int8x16_t four = vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(a), kLane));
    const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(four));
    return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(w, four)));
  }
  // Eight products of a nibble and an s8 stay below 8 x 15 x 127 = 15240.
  template <class... W>
  MB_INLINE static int32x4_t group(int32x4_t start, int8x16_t first, int8x16_t second, W... w) {
    const int8x16_t words[8] = {w...};
    int16x8_t low = vdupq_n_s16(0), high = low;
    simd::each<8>([&](auto i) __attribute__((always_inline)) {
      const int32x4_t half = vreinterpretq_s32_s8(i.kValue < 4 ? first : second);
      const int8x16_t a = vreinterpretq_s8_s32(vdupq_laneq_s32(half, i.kValue % 4));
      low = vmlal_s8(low, vget_low_s8(words[i.kValue]), vget_low_s8(a));
      high = vmlal_high_s8(high, words[i.kValue], a);
    });
    return vpadalq_s16(start, vpaddq_s16(low, high));
  }
};
using Packed8 = simd::Packed8<Packed<Isa, Dot>>;

}  // namespace

constinit const KernelTable kTable = {
    .isa = "neon",
    .layer_norm = simd::layer_norm<Vec>,
    .gelu = simd::gelu<Vec>,
    .add = simd::add<Vec>,
    .pack_rows = simd::pack_rows<Vec>,
    .tile = simd::tile<Vec, kTileVectors>,
    .attention = simd::attention<Vec, Vec, kTileVectors>,
    .attention16 = simd::attention16<Pairs<Isa>>,
    .store_keys16 = simd::store_keys16<Pairs<Isa>>,
    .f32 = {.pack_panel = simd::pack_panel<Vec, simd::F32>, .dot = simd::dot<Vec, simd::F32>},
    .bf16 = {.pack_panel = simd::pack_panel<Vec, simd::BF16>, .dot = simd::dot<Vec, simd::BF16>},
    .f16 = {.pack_panel = simd::pack_panel<Vec, simd::F16>, .dot = simd::dot<Vec, simd::F16>},
    .int8 = Packed8::kInt8,
    .int4 = Packed8::kInt4,
    .bf16_packed = Packed8::kBF16,
    .widen_int4 = Packed8::widen_int4,
    .pack_strip = tensor::pack_strip,
};

}  // namespace moonbeam::kernels::neon
