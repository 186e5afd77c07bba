// The AVX-512 table with int8 and int4 products by VNNI; bf16 is widened. Compiled with the instruction set's
// flags.
#include "kernels/avx512vnni/avx512vnni.h"

#include "kernels/avx512/avx512.h"
#include "kernels/simd/packed512.h"

namespace moonbeam::kernels::avx512vnni {
namespace {

struct Isa;
using Packed = simd::Packed512<Isa>;

struct IntegerDot {
  // sum += 4 products of u8 x s8 in each lane; does not saturate.
  MB_INLINE static __m512i dot(__m512i sum, __m512i u, __m512i s) { return _mm512_dpbusd_epi32(sum, u, s); }
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

KernelTable make() {
  KernelTable table = avx512::kTable;
  table.isa = "avx512vnni";
  table.int8 = {simd::kPackedRows, Packed::pack_int8, Packed::tile_int8<IntegerDot>};
  table.int4 = {simd::kPackedRows, Packed::pack_int4, Packed::tile_int4<IntegerDot>};
  table.bf16_packed = {simd::kPackedRows, Packed::pack_bf16<Round>, Packed::tile_bf16<WidenedDot>};
  table.widen_int4 = Packed::widen_int4<IntegerDot>;
  return table;
}

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = make();
  return kTable;
}

}  // namespace moonbeam::kernels::avx512vnni
