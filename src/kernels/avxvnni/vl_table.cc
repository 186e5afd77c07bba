// For tests: what table.cc makes, with AVX-512's encoding of the one instruction.
#include "kernels/avx2/avx2.h"
#include "kernels/avxvnni/avxvnni.h"
#include "kernels/simd/packed256.h"

namespace moonbeam::kernels::avxvnni {
namespace {

struct VlIsa;
struct VlDot {
  MB_INLINE static __m256i dot(__m256i sum, __m256i u, __m256i s) { return _mm256_dpbusd_epi32(sum, u, s); }
};
using Packed = simd::Packed8<simd::PackedVnni256<VlIsa, VlDot>>;

KernelTable make() {
  KernelTable table = avx2::kTable;
  table.isa = "avxvnni_vl";
  table.int8 = Packed::kInt8;
  table.int4 = Packed::kInt4;
  return table;
}

}  // namespace

const KernelTable& vl_table() {
  static const KernelTable kTable = make();
  return kTable;
}

}  // namespace moonbeam::kernels::avxvnni
