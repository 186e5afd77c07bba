// Measuring the limits that machine_limits.h declares.
#include "machine_limits.h"

#include <algorithm>
#include <vector>

#include "base/buffer.h"
#include "base/machine.h"
#include "base/thread_pool.h"
#include "measure.h"

namespace moonbeam::bench {
namespace {
volatile float g_sink;  // keeps the compiler from dropping what is measured
}

const LimitKernels* find_limits([[maybe_unused]] std::string_view isa) {
#ifdef MOONBEAM_KERNELS_X86
  if (isa == "avx2" && base::cpu_features().avx2) return &avx2::kLimits;
  if (isa == "avx512" && base::cpu_features().avx512) return &avx512::kLimits;
#endif
  return nullptr;
}

double measure_fma_peak(const LimitKernels& kernels) {
  constexpr std::int64_t kSteps = 2'000'000;
  const Times times = measure(9, false, [&] { g_sink = kernels.fma(kSteps); });
  return 2e-9 * kSteps * kFmaSums * kernels.width / times.min;
}

double measure_read(const LimitKernels& kernels, int threads) {
  constexpr std::size_t kFloats = std::size_t{128} << 20;  // 512 MiB
  constexpr int kPieces = 256;
  base::Buffer<float> memory(kFloats);
  std::fill(memory.begin(), memory.end(), 1.0f);
  base::ThreadPool pool(threads);
  std::vector<float> sums(kPieces);
  const Times times = measure(7, threads > 1, [&] {
    pool.parallel_for(kPieces, [&](int piece, int) {
      constexpr std::size_t kShare = kFloats / kPieces;
      sums[static_cast<std::size_t>(piece)] =
          kernels.read(memory.data() + static_cast<std::size_t>(piece) * kShare, kShare);
    });
  });
  g_sink = sums[0];
  return 1e-9 * kFloats * sizeof(float) / times.min;
}

}  // namespace moonbeam::bench
