// The AVX-512 BF16 table with products by tiles. Compiled with the instruction set's flags.
#include "kernels/amx/amx.h"
#include "kernels/amx/packed_amx.h"

namespace moonbeam::kernels::amx {
namespace {

struct Isa;
using Packed = PackedAmx<Tiles<Isa>, Isa>;

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = Packed::table("amx");
  return kTable;
}

}  // namespace moonbeam::kernels::amx
