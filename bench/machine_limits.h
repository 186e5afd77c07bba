// Limits of this machine, measured: every other figure is a ratio to one of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace moonbeam::bench {

/// Fused multiply-adds of f32 on independent sums, no memory. Returns something that depends on all of them.
using FmaFn = float(std::int64_t steps);
inline constexpr int kFmaSums = 12;
/// Adds up `n` floats (a multiple of 4096) as fast as they come.
using ReadFn = float(const float* from, std::size_t n);

struct LimitKernels {
  std::string_view isa;
  int width;  ///< floats of a register
  FmaFn* fma;
  ReadFn* read;
};
namespace avx2 {
extern const LimitKernels kLimits;
}
namespace avx512 {
extern const LimitKernels kLimits;
}

/// By the name of a kernel table; null for scalar.
const LimitKernels* find_limits(std::string_view isa);

/// GFLOP per CPU second of one thread.
double measure_fma_peak(const LimitKernels& kernels);
/// GB/s of reading a buffer far larger than the caches, in large pages; of one thread per CPU second,
/// of several in wall time.
double measure_read(const LimitKernels& kernels, int threads);

}  // namespace moonbeam::bench
