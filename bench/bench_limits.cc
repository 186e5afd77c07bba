// Prints what this machine can do at most: peaks of arithmetic per instruction set, reading of memory.
#include "base/machine.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "measure.h"

namespace {

void print(const char* figure, std::string_view isa, int threads, const char* unit, double rate) {
  std::printf("{\"figure\":\"%s\",\"isa\":\"%s\",\"threads\":%d,\"unit\":\"%s\",\"rate\":%.1f}\n", figure,
              std::string(isa).c_str(), threads, unit, rate);
  std::fflush(stdout);
}

}  // namespace

int main() {
  using namespace moonbeam;
  std::printf("%s, %d cores\n", base::cpu_features().name.c_str(), base::usable_cores());
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    const bench::LimitKernels* limits = bench::find_limits(table->isa);
    if (!limits) continue;
    print("f32_peak", table->isa, 1, "GFLOP/s", bench::measure_peak(limits->f32));
    print("bf16_peak", table->isa, 1, "GFLOP/s", bench::measure_bf16_peak(*limits));
    print("int8_peak", table->isa, 1, "GOP/s", bench::measure_peak(limits->int8));
    for (int threads = 1; threads <= base::usable_cores(); threads *= 2) {
      print("read", table->isa, threads, "GB/s", bench::measure_read(*limits, threads));
    }
  }
}
