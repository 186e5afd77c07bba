// CPUID, /proc/meminfo and the clock; what a container limits is read by cgroup.cc.
#include "base/machine.h"

#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/cgroup.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace moonbeam::base {

namespace {

#if defined(__x86_64__)
std::uint64_t saved_registers() {
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

std::string brand() {
  unsigned words[12] = {};
  // Clang 14 returns it as an int.
  if (static_cast<unsigned>(__get_cpuid_max(0x80000000u, nullptr)) < 0x80000004u) return "x86-64 CPU";
  for (unsigned i = 0; i < 3; ++i) {
    unsigned* w = words + 4 * i;
    __get_cpuid(0x80000002u + i, w, w + 1, w + 2, w + 3);
  }
  char text[49] = {};
  std::memcpy(text, words, 48);
  std::string name(text);
  name.erase(0, name.find_first_not_of(' '));
  name.erase(name.find_last_not_of(' ') + 1);
  return name.empty() ? "x86-64 CPU" : name;
}

CpuFeatures detect() {
  CpuFeatures out;
  out.name = brand();
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return out;
  const bool saves = (c & bit_OSXSAVE) != 0;
  const bool fma = (c & bit_FMA) != 0 && (c & bit_F16C) != 0 && (c & bit_AVX) != 0;
  if (!saves || !fma) return out;
  const std::uint64_t registers = saved_registers();
  if ((registers & 0x6) != 0x6 || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return out;
  out.avx2 = (b & bit_AVX2) != 0;
  const bool zmm = (registers & 0xE6) == 0xE6;
  out.avx512 = out.avx2 && zmm && (b & bit_AVX512F) != 0 && (b & bit_AVX512BW) != 0 &&
               (b & bit_AVX512DQ) != 0 && (b & bit_AVX512VL) != 0;
  out.avx512_vnni = out.avx512 && (c & (1u << 11)) != 0;
  const bool tiles = (registers & 0x60000) == 0x60000 && (d & (1u << 24)) != 0;
  out.amx_int8 = tiles && (d & (1u << 25)) != 0;
  out.amx_bf16 = tiles && (d & (1u << 22)) != 0;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) {
    out.avx_vnni = out.avx2 && (a & (1u << 4)) != 0;
    out.avx512_bf16 = out.avx512 && (a & (1u << 5)) != 0;
  }
  return out;
}
#elif defined(__aarch64__)
// "processor : 0 ... CPU implementer : 0x41, CPU part : 0xd0c": the kernel has no names.
CpuFeatures detect() {
  CpuFeatures out;
  std::string implementer, part;
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (line.starts_with("CPU implementer")) implementer = line.substr(colon + 2);
    if (line.starts_with("CPU part")) part = line.substr(colon + 2);
  }
  out.name =
      part.empty() ? "64-bit ARM CPU" : "64-bit ARM CPU, implementer " + implementer + ", part " + part;
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  out.neon = (first & HWCAP_ASIMD) != 0;
  out.neon_dotprod = out.neon && (first & HWCAP_ASIMDDP) != 0;
  out.neon_i8mm = out.neon_dotprod && (second & HWCAP2_I8MM) != 0;
  out.neon_bf16 = out.neon && (second & HWCAP2_BF16) != 0;
  return out;
}
#else
CpuFeatures detect() {
  CpuFeatures out;
  out.name = "unknown CPU";
  return out;
}
#endif

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect();
  return features;
}

bool may_use_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr int kAskForComponent = 0x1023;  // ARCH_REQ_XCOMP_PERM of the kernel's asm/prctl.h
  constexpr int kTileData = 18;             // the component's number in XCR0
  static const bool allowed = cpu_features().amx_int8 && cpu_features().amx_bf16 &&
                              syscall(SYS_arch_prctl, kAskForComponent, kTileData) == 0;
  return allowed;
#else
  return false;
#endif
}

Memory memory() {
  Memory out;
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string key;
    std::int64_t kib = 0;
    fields >> key >> kib;
    if (key == "MemTotal:") out.total = kib * 1024;
    if (key == "MemAvailable:") out.available = kib * 1024;
  }
  // Without /proc (a bare chroot) nobody tells how much of what is used could be given back: all of it, then.
  struct sysinfo system = {};
  if (out.total == 0 && sysinfo(&system) == 0) {
    out.total = static_cast<std::int64_t>(system.totalram) * system.mem_unit;
    out.available = out.total;
  }
  if (const auto group = cgroup_memory(); group && group->limit < out.total) {
    out.total = group->limit;
    out.available = std::min(out.available, group->free);
  }
  return out;
}

std::int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

double now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

}  // namespace moonbeam::base
