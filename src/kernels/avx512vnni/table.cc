// The AVX-512 table with int8 and int4 products by VNNI. Compiled with the instruction set's flags.
#include "kernels/avx512vnni/avx512vnni.h"

#include "kernels/avx512/avx512.h"
#include "kernels/simd/packed512.h"

namespace moonbeam::kernels::avx512vnni {
namespace {

struct Isa;
using Packed = simd::Packed512<Isa>;

struct IntegerDot {
  static constexpr bool kInPairs = false;
  // sum += 4 products of u8 x s8 in each lane; does not saturate.
  MB_INLINE static __m512i dot(__m512i sum, __m512i u, __m512i s) { return _mm512_dpbusd_epi32(sum, u, s); }
  MB_INLINE static __m512i add(__m512i sum, __m512i u, __m512i s) { return dot(sum, u, s); }
};

KernelTable make() {
  KernelTable table = avx512::kTable;
  table.isa = "avx512vnni";
  table.int8 = Packed::kInt8<IntegerDot>;
  table.int4 = Packed::kInt4<IntegerDot>;
  table.widen_int4 = Packed::widen_int4<IntegerDot>;
  return table;
}

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = make();
  return kTable;
}

}  // namespace moonbeam::kernels::avx512vnni
