// Measuring the limits that machine_limits.h declares.
#include "limits/machine_limits.h"

#include <algorithm>
#include <vector>

#include "base/buffer.h"
#include "base/machine.h"
#include "base/thread_pool.h"
#include "limits/times.h"

namespace moonbeam::limits {
namespace {
volatile float g_sink;  // keeps the compiler from dropping what is measured
}

const LimitKernels* find_limits([[maybe_unused]] std::string_view isa) {
#ifdef MOONBEAM_KERNELS_X86
  const base::CpuFeatures& cpu = base::cpu_features();
  const bool vnni = cpu.avx512 && cpu.avx512_vnni;
  if (isa == "avx2" && cpu.avx2) return &avx2::kLimits;
  if (isa == "avxvnni" && cpu.avx2 && cpu.avx_vnni) return &avxvnni::kLimits;
  if (isa == "avx512" && cpu.avx512) return &avx512::kLimits;
  if (isa == "avx512vnni" && vnni) return &avx512vnni::kLimits;
  if (isa == "avx512bf16" && vnni && cpu.avx512_bf16) return &avx512bf16::kLimits;
  if (isa == "amx" && vnni && cpu.avx512_bf16 && base::may_use_tiles()) return &amx::kLimits;
#endif
#ifdef MOONBEAM_KERNELS_ARM
  const base::CpuFeatures& cpu = base::cpu_features();
  if (isa == "neon" && cpu.neon) return &neon::kLimits;
  if (isa == "neon_dotprod" && cpu.neon_dotprod) return &neon_dotprod::kLimits;
  if (isa == "neon_i8mm" && cpu.neon_i8mm)
    return cpu.neon_bf16 ? &neon_i8mm::kLimitsWithBF16 : &neon_i8mm::kLimits;
#endif
  return nullptr;
}

double measure_peak(const Peak& peak, int runs) {
  if (!peak.run) return 0;
  constexpr std::int64_t kSteps = 2'000'000;
  const Times times = measure(runs, false, [&] { g_sink = peak.run(kSteps); });
  return 1e-9 * kSteps * kPeakSums * peak.operations / times.min;
}

double measure_bf16_peak(const LimitKernels& kernels) {
  return measure_peak(kernels.bf16.run ? kernels.bf16 : kernels.f32);
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

}  // namespace moonbeam::limits
