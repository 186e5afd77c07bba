// ARMv8.6's matrix product of bytes. Compiled with its flag.
#include "kernels/neon/matrix.h"
#include "kernels/neon/neon.h"

namespace moonbeam::kernels::neon {
namespace {

struct I8mmIsa;
using Packed8 = simd::Packed8<I8mm<I8mmIsa>>;

KernelTable make(bool bf16) {
  KernelTable table = dotprod_table();
  table.isa = "neon_i8mm";
  table.int8 = Packed8::kInt8;
  if (bf16) use_bf16(table);
  return table;
}

}  // namespace

const KernelTable& i8mm_table(bool bf16) {
  static const KernelTable kI8mm = make(bf16);
  return kI8mm;
}

}  // namespace moonbeam::kernels::neon
