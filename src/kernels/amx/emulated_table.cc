// For tests: what table.cc makes, with tiles of plain C++.
#include "kernels/amx/amx.h"
#include "kernels/amx/emulated_tiles.h"
#include "kernels/amx/packed_amx.h"
#include "kernels/avx512bf16/avx512bf16.h"

namespace moonbeam::kernels::amx {
namespace {

struct EmulatedIsa;
using Packed = PackedAmx<EmulatedTiles<EmulatedIsa>, EmulatedIsa>;

KernelTable make() {
  KernelTable table = avx512bf16::table();
  table.isa = "amx_emulated";
  table.int8 = Packed::kInt8;
  table.bf16_packed = Packed::kBF16;
  return table;
}

}  // namespace

const KernelTable& emulated_table() {
  static const KernelTable kTable = make();
  return kTable;
}

}  // namespace moonbeam::kernels::amx
