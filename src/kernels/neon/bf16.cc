// ARMv8.6's products of bf16. Compiled with their flag.
#include "kernels/neon/attention16.h"
#include "kernels/neon/matrix.h"
#include "kernels/neon/neon.h"

namespace moonbeam::kernels::neon {
namespace {

struct BF16Isa;
using Packed8 = simd::Packed8<BF16Mm<BF16Isa, DotProduct<BF16Isa>>>;

}  // namespace

void use_bf16(KernelTable& table) {
  table.bf16_packed = Packed8::kBF16;
  table.attention16 = simd::attention16<DotPairs<BF16Isa>>;
  table.store_keys16 = simd::store_keys16<DotPairs<BF16Isa>>;
}

}  // namespace moonbeam::kernels::neon
