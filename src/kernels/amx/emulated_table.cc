// For tests: what table.cc makes, with tiles of plain C++.
#include "kernels/amx/amx.h"
#include "kernels/amx/emulated_tiles.h"
#include "kernels/amx/packed_amx.h"

namespace moonbeam::kernels::amx {
namespace {

struct EmulatedIsa;
using Packed = PackedAmx<EmulatedTiles<EmulatedIsa>, EmulatedIsa>;

}  // namespace

const KernelTable& emulated_table() {
  static const KernelTable kTable = Packed::table("amx_emulated");
  return kTable;
}

}  // namespace moonbeam::kernels::amx
