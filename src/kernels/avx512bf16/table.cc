// The VNNI table with bf16 products of the processor's own. Compiled with the instruction set's flags.
#include "kernels/avx512bf16/avx512bf16.h"

#include "kernels/avx512bf16/attention16.h"
#include "kernels/avx512bf16/round.h"
#include "kernels/avx512vnni/avx512vnni.h"
#include "kernels/simd/packed512.h"

namespace moonbeam::kernels::avx512bf16 {
namespace {

struct Isa;
using Packed = simd::Packed512<Isa>;

struct PairDot {
  MB_INLINE static Packed::Vec dot(Packed::Vec sum, __m512i a, __m512i w) {
    return {_mm512_dpbf16_ps(sum.v, pairs(a), pairs(w))};
  }
  MB_INLINE static __m512bh pairs(__m512i bits) {
    __m512bh out;
    __builtin_memcpy(&out, &bits, sizeof out);
    return out;
  }
};

KernelTable make() {
  KernelTable table = avx512vnni::table();
  table.isa = "avx512bf16";
  table.attention16 = simd::attention16<Pairs<Isa>>;
  table.store_keys16 = simd::store_keys16<Pairs<Isa>>;
  table.bf16_packed = Packed::kBF16<PairDot, Round<Isa>>;
  return table;
}

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = make();
  return kTable;
}

}  // namespace moonbeam::kernels::avx512bf16
