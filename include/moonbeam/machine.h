// What this machine offers the engine; what `moonbeam doctor` shows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moonbeam {

struct MachineInfo {
  std::string cpu;                    ///< "AMD EPYC ...", "unknown CPU"
  std::vector<std::string> isas;      ///< kernels that can run here: "scalar", "avx2", "avx512bf16", ...
  std::string isa;                    ///< kernels that LoadOptions::isa "" takes
  int cores = 0;                      ///< cores this process may use
  int threads = 0;                    ///< threads that LoadOptions::threads 0 takes
  std::int64_t memory_total = 0;      ///< bytes: RAM or the container's limit
  std::int64_t memory_available = 0;  ///< bytes that can be had without swapping
};

/// @throws Error kInvalidArgument (MOONBEAM_THREADS), kUnsupported (MOONBEAM_ISA) if the environment names
/// what cannot be.
MachineInfo machine_info();

}  // namespace moonbeam
