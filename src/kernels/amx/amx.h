// AMX (Sapphire Rapids and later): int8 and bf16 products of many rows by tiles of 16 x 64 bytes. No machine
// at hand has them: the template that ships is tested with tiles in plain C++, its instructions by their
// presence alone.
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::amx {

/// May be called where base::may_use_tiles().
const KernelTable& table();

/// The same template with tiles of plain C++: only for tests. Needs what avx512bf16::table() needs.
const KernelTable& emulated_table();

}  // namespace moonbeam::kernels::amx
