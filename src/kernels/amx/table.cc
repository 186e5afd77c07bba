// The AVX-512 BF16 table with products by tiles. Compiled with the instruction set's flags.
#include "kernels/amx/amx.h"
#include "kernels/amx/packed_amx.h"
#include "kernels/avx512bf16/avx512bf16.h"

namespace moonbeam::kernels::amx {
namespace {

struct Isa;
using Packed = PackedAmx<Tiles<Isa>, Isa>;

KernelTable make() {
  KernelTable table = avx512bf16::table();
  table.isa = "amx";
  table.int8 = Packed::kInt8;
  table.bf16_packed = Packed::kBF16;
  return table;
}

}  // namespace

const KernelTable& table() {
  static const KernelTable kTable = make();
  return kTable;
}

}  // namespace moonbeam::kernels::amx
