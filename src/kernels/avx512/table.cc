// The AVX-512 table. The only file of this folder that is compiled, with the instruction set's flags.
#include "kernels/avx2/avx2.h"
#include "kernels/avx512/attention16.h"
#include "kernels/avx512/avx512.h"
#include "kernels/avx512/bytes.h"
#include "kernels/avx512/vec.h"
#include "kernels/simd/attention.h"
#include "kernels/simd/elementwise.h"
#include "kernels/simd/matmul.h"
#include "kernels/simd/packed256.h"
#include "kernels/simd/packed512.h"

namespace moonbeam::kernels::avx512 {

namespace {

// int8 in the order of AVX2's activations, the rest as with VNNI and BF16.
using PackedBytes = simd::Packed8<simd::PackedMaddubs<Isa, Bytes<Isa>>>;
using Packed = simd::Packed512<Isa>;

// Of nibbles, whose products do not saturate 16 bits.
struct PairsDot {
  static constexpr bool kInPairs = true;
  MB_INLINE static __m512i dot(__m512i sum, __m512i u, __m512i s) {
    return fours(sum, _mm512_maddubs_epi16(u, s));
  }
  MB_INLINE static __m512i add(__m512i pairs, __m512i u, __m512i s) {
    pairs = _mm512_add_epi16(pairs, _mm512_maddubs_epi16(u, s));
    Bytes<Isa>::keep(pairs);
    return pairs;
  }
  MB_INLINE static __m512i fours(__m512i sum, __m512i pairs) {
    return _mm512_add_epi32(sum, Bytes<Isa>::fours(pairs));
  }
};

struct WidenedDot {
  // Even values first, then odd ones.
  MB_INLINE static Packed::Vec dot(Packed::Vec sum, __m512i a, __m512i w) {
    const __m512i odd = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    sum = Packed::Vec::fma(as_floats(_mm512_slli_epi32(a, 16)), as_floats(_mm512_slli_epi32(w, 16)), sum);
    return Packed::Vec::fma(as_floats(_mm512_and_si512(a, odd)), as_floats(_mm512_and_si512(w, odd)), sum);
  }
  MB_INLINE static Packed::Vec as_floats(__m512i bits) { return {_mm512_castsi512_ps(bits)}; }
};

struct Round {
  MB_INLINE static __m256i round(Packed::Vec v) { return Packed::round_bf16(v); }
};

}  // namespace

constinit const KernelTable kTable = {
    .isa = "avx512",
    .layer_norm = simd::layer_norm<Vec>,
    .gelu = simd::gelu<Vec>,
    .add = simd::add<Vec>,
    .pack_rows = simd::pack_rows<HalfVec>,
    .tile = simd::tile<Vec, kTileVectors>,
    .attention = simd::attention<Vec, HalfVec, kTileVectors>,
    .attention16 = simd::attention16<Pairs>,
    .store_keys16 = simd::store_keys16<Pairs>,
    .f32 = {.pack_panel = simd::pack_panel<Vec, simd::F32>, .dot = simd::dot<Vec, simd::F32>},
    .bf16 = {.pack_panel = simd::pack_panel<Vec, simd::BF16>, .dot = simd::dot<Vec, simd::BF16>},
    .f16 = {.pack_panel = simd::pack_panel<Vec, simd::F16>, .dot = simd::dot<Vec, simd::F16>},
    .int8 = PackedBytes::kInt8,
    .int4 = Packed::kInt4<PairsDot>,
    .bf16_packed = Packed::kBF16<WidenedDot, Round>,
    .widen_int4 = Packed::widen_int4<PairsDot>,
    .pack_strip = avx2::pack_strip,
};

}  // namespace moonbeam::kernels::avx512
