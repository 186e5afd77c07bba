// The kernels of 64-bit ARM. Nothing but `kTable` may be called before the CPU is known to have what it
// needs.
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::neon {

extern const KernelTable kTable;  ///< ARMv8.0

/// int8 and int4 products by SDOT.
const KernelTable& dotprod_table();
/// int8 products by USMMLA; those of bf16 by BFMMLA, of attention by BFDOT, where `bf16`.
const KernelTable& i8mm_table(bool bf16);
/// Of the table above, for processors with both.
void use_bf16(KernelTable& table);

}  // namespace moonbeam::kernels::neon
