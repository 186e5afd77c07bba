// AVX2 with VNNI in 256 bits (client processors from Alder Lake on): int8 products of four at a time.
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::avxvnni {

const KernelTable& table();

/// The same templates with the instruction of AVX-512 VNNI and VL: only for tests, on processors that lack
/// AVX-VNNI's encoding of it.
const KernelTable& vl_table();

}  // namespace moonbeam::kernels::avxvnni
