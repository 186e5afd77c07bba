// What this machine is: CPU features, memory, time.
#pragma once

#include <cstdint>
#include <string>

namespace moonbeam::base {

struct CpuFeatures {
  std::string name;     ///< "AMD EPYC ...", "unknown CPU"
  bool avx2 = false;    ///< AVX2, FMA and F16C, with the OS saving the registers
  bool avx512 = false;  ///< AVX-512 F, BW, DQ, VL, likewise
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
  bool avx_vnni = false;  ///< AVX-VNNI, 256 bits
  bool amx_int8 = false;  ///< tiles and their products, with the OS saving them
  bool amx_bf16 = false;
  bool neon = false;  ///< any 64-bit ARM
  bool neon_dotprod = false;
  bool neon_i8mm = false;
  bool neon_bf16 = false;
};
const CpuFeatures& cpu_features();
/// Whether this process may use AMX's tiles. The first call asks the kernel to make room for them in what it
/// saves of each thread: Linux gives tiles only to those that ask. False where the CPU has none or it
/// refuses.
bool may_use_tiles();

struct Memory {
  std::int64_t total = 0;      ///< bytes the process may have: RAM or container limit
  std::int64_t available = 0;  ///< bytes that can be had without swapping
};
Memory memory();
/// Highest resident set so far, bytes.
std::int64_t peak_resident_bytes();

/// Milliseconds from a fixed point, monotonic.
double now_ms();

}  // namespace moonbeam::base
