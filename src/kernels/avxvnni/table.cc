// The AVX2 table with int8 and int4 products by AVX-VNNI. Compiled with the instruction set's flags.
#include "kernels/avx2/avx2.h"
#include "kernels/avxvnni/avxvnni.h"
#include "kernels/simd/packed256.h"

namespace moonbeam::kernels::avxvnni {
namespace {

struct Isa;
struct Dot {
  MB_INLINE static __m256i dot(__m256i sum, __m256i u, __m256i s) {
    return _mm256_dpbusd_avx_epi32(sum, u, s);
  }
};
using Packed = simd::Packed8<simd::PackedVnni256<Isa, Dot>>;

KernelTable make() {
  KernelTable table = avx2::kTable;
  table.isa = "avxvnni";
  table.int8 = Packed::kInt8;
  table.int4 = Packed::kInt4;
  return table;
}

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = make();
  return kTable;
}

}  // namespace moonbeam::kernels::avxvnni
