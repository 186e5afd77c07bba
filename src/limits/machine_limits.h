// Limits of this machine, measured: every other figure is a ratio to one of them.
//
// A peak is the rate of one instruction on independent sums in registers. Its operations: a multiply-add of
// f32 or of a pair of bf16 counts 2 for each product, of int8 likewise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace moonbeam::limits {

/// kPeakSums instructions a step, each on a sum of its own. Returns something that depends on all of them.
using PeakFn = float(std::int64_t steps);
inline constexpr int kPeakSums = 12;
struct Peak {
  PeakFn* run = nullptr;  ///< null where the instruction set has no such instruction
  int operations = 0;     ///< of one instruction, on ARM of two
};

/// Adds up `n` floats (a multiple of 4096) as fast as they come.
using ReadFn = float(const float* from, std::size_t n);

struct LimitKernels {
  std::string_view isa;
  Peak f32;   ///< fused multiply-add
  Peak bf16;  ///< the widest product; those of bf16 are widened to f32 where there is none
  Peak int8;  ///< the widest product, or vpmaddubsw with vpmaddwd and an addition
  ReadFn* read;
};
namespace avx2 {
extern const LimitKernels kLimits;
}
namespace avxvnni {
extern const LimitKernels kLimits;
}
namespace avx512 {
extern const LimitKernels kLimits;
}
namespace avx512vnni {
extern const LimitKernels kLimits;
}
namespace avx512bf16 {
extern const LimitKernels kLimits;
}
namespace amx {
extern const LimitKernels kLimits;
}
namespace neon {
extern const LimitKernels kLimits;
}
namespace neon_dotprod {
extern const LimitKernels kLimits;
}
namespace neon_i8mm {
extern const LimitKernels kLimits, kLimitsWithBF16;
}

/// By the name of a kernel table; null for scalar.
const LimitKernels* find_limits(std::string_view isa);

/// Billions of operations per CPU second of one thread, the best of `runs` of some 4 ms; 0 for a peak that is
/// not there.
double measure_peak(const Peak& peak, int runs = 9);
/// The most that products in bf16 can reach: pairs at once, or widened.
double measure_bf16_peak(const LimitKernels& kernels);
/// GB/s of reading a buffer far larger than the caches, in large pages; of one thread per CPU second,
/// of several in wall time.
double measure_read(const LimitKernels& kernels, int threads);

}  // namespace moonbeam::limits
