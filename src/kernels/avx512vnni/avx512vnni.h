// AVX-512 with VNNI (Ice Lake and later): int8 products of four at a time.
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::avx512vnni {

const KernelTable& table();

}  // namespace moonbeam::kernels::avx512vnni
