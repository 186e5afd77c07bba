// Prints what this machine can do at most: peak of multiply-adds per instruction set, reading of memory.
#include "base/machine.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "machine_limits.h"
#include "measure.h"

int main() {
  using namespace moonbeam;
  std::printf("%s, %d cores\n", base::cpu_features().name.c_str(), base::usable_cores());
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    const bench::LimitKernels* limits = bench::find_limits(table->isa);
    if (!limits) continue;
    const double peak = bench::measure_fma_peak(*limits);
    std::printf("{\"figure\":\"fma_peak\",\"isa\":\"%s\",\"threads\":1,\"unit\":\"GFLOP/s\",\"rate\":%.1f}\n",
                std::string(table->isa).c_str(), peak);
    for (int threads = 1; threads <= base::usable_cores(); threads *= 2) {
      std::printf("{\"figure\":\"read\",\"isa\":\"%s\",\"threads\":%d,\"unit\":\"GB/s\",\"rate\":%.1f}\n",
                  std::string(table->isa).c_str(), threads, bench::measure_read(*limits, threads));
    }
  }
}
