// Which table is chosen.
#include "kernels/kernels.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "base/error.h"
#include "gtest/gtest.h"

namespace moonbeam::kernels {
namespace {

// Sets MOONBEAM_ISA for one test and puts the old value back.
class NamedIsa {
 public:
  explicit NamedIsa(const char* value) {
    if (const char* old = std::getenv("MOONBEAM_ISA")) old_ = old;
    setenv("MOONBEAM_ISA", value, 1);
  }
  ~NamedIsa() { old_ ? setenv("MOONBEAM_ISA", old_->c_str(), 1) : unsetenv("MOONBEAM_ISA"); }

 private:
  std::optional<std::string> old_;
};

TEST(Kernels, ScalarIsAlwaysRunnableAndFirst) {
  ASSERT_FALSE(runnable_kernels().empty());
  EXPECT_EQ(runnable_kernels().front()->isa, "scalar");
}

TEST(Kernels, EveryTableIsFoundByName) {
  for (const KernelTable* table : runnable_kernels()) EXPECT_EQ(&kernels(table->isa), table);
}

TEST(Kernels, EveryTableIsComplete) {
  for (const KernelTable* table : runnable_kernels()) {
    EXPECT_TRUE(table->layer_norm && table->gelu && table->add && table->pack_rows && table->tile &&
                table->attention);
    for (const WeightKernels& own : {table->f32, table->bf16, table->f16})
      EXPECT_TRUE(own.pack_panel && own.dot);
  }
}

TEST(Kernels, EnvironmentNamesTheTable) {
  const NamedIsa scalar("scalar");
  EXPECT_EQ(kernels().isa, "scalar");
  EXPECT_EQ(kernels("").isa, "scalar");
}

TEST(Kernels, EmptyEnvironmentMeansTheBest) {
  const NamedIsa none("");
  EXPECT_EQ(&kernels(), runnable_kernels().back());
}

TEST(Kernels, UnknownNameIsRefusedWithTheRunnableOnes) {
  const NamedIsa unknown("sse9");
  try {
    kernels();
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("scalar"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("'sse9'"), std::string::npos) << error.what();
  }
}

TEST(Kernels, TypesWithoutKernelsSaySo) {
  const KernelTable& table = *runnable_kernels().front();
  EXPECT_EQ(table.weights(tensor::DType::kQ4_K).dot, nullptr);
  EXPECT_EQ(table.weights(tensor::DType::kBF16).dot, table.bf16.dot);
  EXPECT_EQ(table.weights(tensor::DType::kF16).dot, table.f16.dot);
  EXPECT_EQ(table.weights(tensor::DType::kF32).dot, table.f32.dot);
}

}  // namespace
}  // namespace moonbeam::kernels
