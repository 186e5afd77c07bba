// That every table has limits to be compared with, and that their loops run.
#include "limits/machine_limits.h"

#include <gtest/gtest.h>

#include "base/buffer.h"
#include "kernels/kernels.h"

namespace moonbeam::limits {
namespace {

TEST(MachineLimits, EveryTableButScalarHasThem) {
  EXPECT_EQ(find_limits("scalar"), nullptr);
  EXPECT_EQ(find_limits("sse9"), nullptr);
  base::Buffer<float> memory(2 * 4096);
  for (float& value : memory) value = 1;
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    if (table->isa == "scalar") continue;
    const LimitKernels* limits = find_limits(table->isa);
    ASSERT_NE(limits, nullptr) << table->isa;
    EXPECT_EQ(limits->isa, table->isa);
    for (const Peak& peak : {limits->f32, limits->int8}) {
      ASSERT_NE(peak.run, nullptr) << table->isa;
      EXPECT_GT(peak.operations, 0);
      peak.run(2);
    }
    if (limits->bf16.run) limits->bf16.run(2);
    EXPECT_EQ(limits->read(memory.data(), memory.size()), static_cast<float>(memory.size())) << table->isa;
  }
}

}  // namespace
}  // namespace moonbeam::limits
