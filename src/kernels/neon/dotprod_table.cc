// ARMv8.2 with the dot product. Compiled with its flag.
#include "kernels/neon/dot_product.h"
#include "kernels/neon/neon.h"

namespace moonbeam::kernels::neon {
namespace {

struct DotprodIsa;
using Packed8 = simd::Packed8<Packed<DotprodIsa, DotProduct<DotprodIsa>>>;

KernelTable make() {
  KernelTable table = kTable;
  table.isa = "neon_dotprod";
  table.int8 = Packed8::kInt8;
  table.int4 = Packed8::kInt4;
  return table;
}

}  // namespace

const KernelTable& dotprod_table() {
  static const KernelTable kDotprod = make();
  return kDotprod;
}

}  // namespace moonbeam::kernels::neon
