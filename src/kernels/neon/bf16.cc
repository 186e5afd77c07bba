// ARMv8.6's matrix product of bf16. Compiled with its flag.
#include "kernels/neon/matrix.h"
#include "kernels/neon/neon.h"

namespace moonbeam::kernels::neon {
namespace {

struct BF16Isa;
using Packed8 = simd::Packed8<BF16Mm<BF16Isa, DotProduct<BF16Isa>>>;

}  // namespace

PackedKernels bf16_kernels() {
  return Packed8::kBF16;
}

}  // namespace moonbeam::kernels::neon
