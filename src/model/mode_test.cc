// Which mode a model runs in, and which types its matrices then have.
#include "model/mode.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "model/packing.h"
#include "model/testing.h"
#include "tensor/packed.h"

namespace moonbeam::model {
namespace {

using tensor::DType;
using testing::expect_error;

constexpr base::Memory kMuch{.total = 64'000'000'000, .available = 64'000'000'000};
const std::string kBlock = "text.blocks.0.attn.qkv.weight";

class Modes : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("MOONBEAM_MODE"); }
  void TearDown() override { unsetenv("MOONBEAM_MODE"); }

  ChosenMode choose(Mode asked, const base::Memory& memory = kMuch) const {
    return choose_mode(asked, source_, table_, *source_.config, memory);
  }
  /// As if the file held `name` in another type.
  void hold(const std::string& name, DType type) { source_.tensors.at(name).view.dtype = type; }
  DType loaded(const std::string& name, const ChosenMode& chosen) const {
    for (const TensorSpec& spec : table_) {
      if (spec.name == name) return loaded_type(spec, *source_.find(name), chosen.mode, chosen.recipe);
    }
    throw std::runtime_error("no tensor " + name);
  }

  Source source_ = open_source("synth:tiny");
  std::vector<TensorSpec> table_ = tensor_table(*source_.config);
};

TEST_F(Modes, AskedForThenTheEnvironmentThenTheFileThenTheSize) {
  EXPECT_EQ(choose(Mode::kAuto).mode, Mode::kF32);  // it is small
  hold(kBlock, DType::kInt4);
  EXPECT_EQ(choose(Mode::kAuto).mode, Mode::kInt4);
  setenv("MOONBEAM_MODE", "bf16", 1);
  EXPECT_EQ(choose(Mode::kAuto).mode, Mode::kBF16);
  EXPECT_EQ(choose(Mode::kInt8).mode, Mode::kInt8);
  setenv("MOONBEAM_MODE", "int9", 1);
  expect_error([&] { choose(Mode::kAuto); }, ErrorCode::kInvalidArgument, {"MOONBEAM_MODE", "'int9'"});
}

TEST_F(Modes, OfSeveralPackedTypesTheCoarsestNamesTheMode) {
  EXPECT_EQ(packed_mode(source_, table_), Mode::kAuto);
  hold("vision.patch_emb.weight", DType::kBF16Packed);
  EXPECT_EQ(packed_mode(source_, table_), Mode::kBF16);
  hold("text.lm_head.weight", DType::kInt8);
  EXPECT_EQ(packed_mode(source_, table_), Mode::kInt8);
  hold(kBlock, DType::kInt4);
  EXPECT_EQ(packed_mode(source_, table_), Mode::kInt4);
  hold("text.blocks.1.attn.qkv.weight", DType::kInt8);
  EXPECT_EQ(packed_mode(source_, table_), Mode::kInt4);
}

TEST_F(Modes, LargeModelsRunInInt8OrWhereThatDoesNotFitInInt4) {
  const Source large = open_source("synth:moondream2:bf16");
  const std::vector<TensorSpec> table = tensor_table(*large.config);
  EXPECT_EQ(choose_mode(Mode::kAuto, large, table, *large.config, kMuch).mode, Mode::kInt8);
  const base::Memory little{.total = 4'000'000'000, .available = 2'000'000'000};
  const ChosenMode chosen = choose_mode(Mode::kAuto, large, table, *large.config, little);
  EXPECT_EQ(chosen.mode, Mode::kInt4);
  EXPECT_NE(chosen.reason.find("there are 2 GB"), std::string::npos) << chosen.reason;
}

TEST_F(Modes, AQuantisedFileKeepsItsTypesInItsOwnMode) {
  hold(kBlock, DType::kBF16Packed);  // a recipe of its own kept this one
  hold("text.lm_head.weight", DType::kInt8);
  for (const Mode asked : {Mode::kAuto, Mode::kInt8}) {
    const ChosenMode chosen = choose(asked);
    EXPECT_EQ(chosen.mode, Mode::kInt8);
    EXPECT_EQ(loaded(kBlock, chosen), DType::kBF16Packed);
    EXPECT_EQ(loaded("text.lm_head.weight", chosen), DType::kInt8);
    EXPECT_EQ(loaded("text.wte", chosen), DType::kF32);
  }
}

TEST_F(Modes, AnotherModeRepacksAndF32Unpacks) {
  hold(kBlock, DType::kBF16Packed);
  hold("text.lm_head.weight", DType::kInt8);
  const ChosenMode int4 = choose(Mode::kInt4);
  EXPECT_EQ(loaded(kBlock, int4), DType::kInt8);
  EXPECT_EQ(loaded("text.blocks.1.mlp.fc1.weight", int4), DType::kInt4);
  EXPECT_EQ(loaded("text.lm_head.weight", int4), DType::kInt8);
  EXPECT_EQ(loaded("text.wte", int4), DType::kQ8_0);
  const ChosenMode f32 = choose(Mode::kF32);
  EXPECT_EQ(loaded(kBlock, f32), DType::kF32);
  EXPECT_EQ(loaded("text.lm_head.weight", f32), DType::kF32);
}

TEST_F(Modes, RowsBecomeQ8OnlyWhereThatIsSmallerAndFits) {
  const ChosenMode int8 = choose(Mode::kInt8);
  EXPECT_EQ(loaded("text.wte", int8), DType::kQ8_0);
  hold("text.wte", DType::kQ4_0);
  EXPECT_EQ(loaded("text.wte", int8), DType::kQ4_0);
  TensorSpec odd;
  odd.name = "text.wte";
  odd.shape = {512, 40};
  SourceTensor tensor;
  tensor.view = {nullptr, DType::kF32, {512, 40}};
  EXPECT_EQ(loaded_type(odd, tensor, int8.mode, int8.recipe), DType::kF32);
}

TEST_F(Modes, NormsAndBiasesAreF32InEveryMode) {
  for (const Mode mode : {Mode::kF32, Mode::kBF16, Mode::kInt8, Mode::kInt4}) {
    EXPECT_EQ(loaded("text.post_ln.weight", choose(mode)), DType::kF32);
    EXPECT_EQ(loaded("text.lm_head.bias", choose(mode)), DType::kF32);
  }
}

}  // namespace
}  // namespace moonbeam::model
