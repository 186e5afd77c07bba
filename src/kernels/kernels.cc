// Which table of kernels runs: the best that this CPU has, or the one that MOONBEAM_ISA names.
#include "kernels/kernels.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/machine.h"
#include "kernels/scalar/scalar.h"
#ifdef MOONBEAM_KERNELS_X86
#include "kernels/amx/amx.h"
#include "kernels/avx2/avx2.h"
#include "kernels/avx512/avx512.h"
#include "kernels/avx512bf16/avx512bf16.h"
#include "kernels/avx512vnni/avx512vnni.h"
#include "kernels/avxvnni/avxvnni.h"
#endif
#ifdef MOONBEAM_KERNELS_ARM
#include "kernels/neon/neon.h"
#endif

namespace moonbeam::kernels {
namespace {

// Worst first.
std::vector<const KernelTable*> find_runnable() {
  std::vector<const KernelTable*> tables = {&scalar::kTable};
#ifdef MOONBEAM_KERNELS_X86
  const base::CpuFeatures& cpu = base::cpu_features();
  if (cpu.avx2) tables.push_back(&avx2::kTable);
  if (cpu.avx2 && cpu.avx_vnni) tables.push_back(&avxvnni::table());
  if (cpu.avx512) tables.push_back(&avx512::kTable);
  if (cpu.avx512 && cpu.avx512_vnni) tables.push_back(&avx512vnni::table());
  const bool bf16 = cpu.avx512 && cpu.avx512_vnni && cpu.avx512_bf16;
  if (bf16) tables.push_back(&avx512bf16::table());
  if (bf16 && base::may_use_tiles()) tables.push_back(&amx::table());
#endif
#ifdef MOONBEAM_KERNELS_ARM
  const base::CpuFeatures& cpu = base::cpu_features();
  if (cpu.neon) tables.push_back(&neon::kTable);
  if (cpu.neon_dotprod) tables.push_back(&neon::dotprod_table());
  if (cpu.neon_i8mm) tables.push_back(&neon::i8mm_table(cpu.neon_bf16));
#endif
  return tables;
}

const KernelTable& find(std::string_view isa) {
  std::string runnable;
  for (const KernelTable* table : runnable_kernels()) {
    if (table->isa == isa) return *table;
    runnable += (runnable.empty() ? "" : ", ") + std::string(table->isa);
  }
  base::fail(ErrorCode::kUnsupported, "kernels: instruction set: expected one of ", runnable, ", got '",
             base::printable(isa), "'");
}

}  // namespace

WeightKernels KernelTable::weights(tensor::DType type) const noexcept {
  if (type == tensor::DType::kF32) return f32;
  if (type == tensor::DType::kBF16) return bf16;
  if (type == tensor::DType::kF16) return f16;
  return {};
}

const PackedKernels& KernelTable::packed(tensor::DType type) const noexcept {
  if (type == tensor::DType::kInt8) return int8;
  return type == tensor::DType::kInt4 ? int4 : bf16_packed;
}

std::span<const KernelTable* const> runnable_kernels() {
  static const std::vector<const KernelTable*> tables = find_runnable();
  return tables;
}

const KernelTable& kernels() {
  const char* named = std::getenv("MOONBEAM_ISA");
  return named && *named ? find(named) : *runnable_kernels().back();
}

const KernelTable& kernels(std::string_view isa) {
  return isa.empty() ? kernels() : find(isa);
}

}  // namespace moonbeam::kernels
