// machine_info(): the public face of base/machine.h and the kernel table.
#include <moonbeam/machine.h>

#include "base/machine.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"

namespace moonbeam {

MachineInfo machine_info() {
  MachineInfo info;
  info.cpu = base::cpu_features().name;
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) info.isas.emplace_back(table->isa);
  info.isa = kernels::kernels().isa;
  info.cores = base::usable_cores();
  info.threads = base::choose_threads(0);
  info.memory_total = base::memory().total;
  info.memory_available = base::memory().available;
  return info;
}

}  // namespace moonbeam
