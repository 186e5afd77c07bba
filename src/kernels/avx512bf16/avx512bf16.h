// AVX-512 with VNNI and BF16 (Zen 4, Cooper Lake, Sapphire Rapids and later).
#pragma once

#include "kernels/kernels.h"

namespace moonbeam::kernels::avx512bf16 {

const KernelTable& table();

}  // namespace moonbeam::kernels::avx512bf16
