// What the limits of the ARM tables share.
#pragma once

#include "kernels/neon/vec.h"
#include "limits/limit_kernels.h"

namespace moonbeam::limits {

// A step of both 128-bit registers: F::four(sum, a, b).
template <class V, class F>
struct Both {
  MB_INLINE static V dot(V sum, V a, V b) {
    return {F::four(sum.low, a.low, b.low), F::four(sum.high, a.high, b.high)};
  }
};

}  // namespace moonbeam::limits
