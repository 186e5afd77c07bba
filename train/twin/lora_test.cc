#include "train/twin/lora.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "formats/safetensors.h"
#include "model/testing.h"
#include "train/twin/gradient_check.h"
#include "train/twin/init.h"
#include "train/twin/model_file.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;
using model::testing::expect_error;
using model::testing::micro_config;
using torch::Tensor;

Twin micro_twin(std::uint64_t seed = 3) {
  Twin twin(micro_config());
  initialise(twin, {.seed = seed});
  return twin;
}

Tensor logits_of(Twin& twin) {
  const Tensor ids = torch::tensor({3, 511, 0, 7, 7, 19}, torch::kLong).unsqueeze(0);
  const Tensor hidden = twin->text(twin->text->embed(ids), torch::arange(6), prefix_mask(6, 3));
  return twin->text->logits(hidden);
}

void learn_something(const Twin& twin) {
  const torch::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(9);
  for (const NamedTwinTensor& one : lora_tensors(twin)) {
    if (one.name.ends_with(".B")) one.tensor.copy_(torch::randn(one.tensor.sizes(), generator) * 0.2);
  }
}

TEST(Lora, ChangesNothingAtTheStart) {
  Twin twin = micro_twin();
  const torch::NoGradGuard no_grad;
  const Tensor before = logits_of(twin);
  add_lora(twin, 4, lora_targets(), 1);
  EXPECT_TRUE(torch::equal(logits_of(twin), before));
}

TEST(Lora, HasItsNamesAndShapesInEveryTextBlock) {
  Twin twin = micro_twin();
  EXPECT_TRUE(lora_tensors(twin).empty());
  add_lora(twin, 4, {"attn.qkv", "mlp.fc2"}, 1);
  const std::vector<NamedTwinTensor> tensors = lora_tensors(twin);
  ASSERT_EQ(tensors.size(), 2u * 2 * 2);
  EXPECT_EQ(tensors[0].name, "text.blocks.0.attn.qkv.A");
  EXPECT_EQ(tensors[0].tensor.sizes(), (std::vector<std::int64_t>{4, 64}));
  EXPECT_EQ(tensors[1].name, "text.blocks.0.attn.qkv.B");
  EXPECT_EQ(tensors[1].tensor.sizes(), (std::vector<std::int64_t>{192, 4}));
  EXPECT_EQ(tensors[7].name, "text.blocks.1.mlp.fc2.B");
  EXPECT_EQ(tensors[7].tensor.sizes(), (std::vector<std::int64_t>{64, 4}));
  EXPECT_EQ(tensors[1].tensor.abs().max().item<float>(), 0);
  EXPECT_GT(tensors[0].tensor.abs().min().item<float>(), 0);
  EXPECT_EQ(twin_tensors(twin).size(), twin_tensors(micro_twin()).size());  // the engine's, as before
  expect_error([&] { add_lora(twin, 4, {"attn.out"}, 1); }, ErrorCode::kInvalidArgument,
               {"attn.out", "mlp.fc1"});
  expect_error([&] { add_lora(twin, 0, lora_targets(), 1); }, ErrorCode::kInvalidArgument, {"rank"});
}

TEST(Lora, GradientsAgreeWithCentralDifferences) {
  Twin twin(micro_config());
  add_lora(twin, 3, lora_targets(), 1);
  testing::random_parameters(*twin);
  testing::Variables adapters;
  for (const NamedTwinTensor& one : lora_tensors(twin)) adapters.emplace_back(one.name, one.tensor);
  ASSERT_EQ(adapters.size(), 16u);
  const auto loss = [&] { return testing::weighed_sum(logits_of(twin)); };
  testing::expect_gradients(loss, adapters);
}

TEST(Lora, MergedWeightsAreTheTwinWithItsAdapters) {
  Twin twin = micro_twin();
  add_lora(twin, 4, lora_targets(), 1);
  const torch::NoGradGuard no_grad;
  const Tensor base = logits_of(twin);
  learn_something(twin);
  const Tensor adapted = logits_of(twin);
  EXPECT_GT((adapted - base).abs().max().item<float>(), 0.1f);
  merge_lora(twin);
  EXPECT_TRUE(lora_tensors(twin).empty());
  EXPECT_LT((logits_of(twin) - adapted).abs().max().item<float>(), 1e-4f);
}

TEST(Lora, ASavedModelHasItsAdaptersMerged) {
  const TestFolder folder;
  Twin twin = micro_twin();
  add_lora(twin, 4, lora_targets(), 1);
  learn_something(twin);
  const std::string tokenizer = formats::write_tokenizer_json(model::synth_tokenizer(micro_config()));
  save_twin(twin, tokenizer, folder / "model");
  const torch::NoGradGuard no_grad;
  Twin back = load_twin(folder / "model").twin;
  EXPECT_LT((logits_of(back) - logits_of(twin)).abs().max().item<float>(), 1e-4f);
  EXPECT_FALSE(lora_tensors(twin).empty());  // it goes on with them
}

TEST(Lora, ItsFileHasPlainNamesAndSaysWhatItFits) {
  const TestFolder folder;
  Twin twin = micro_twin();
  expect_error([&] { save_lora(twin, "micro", folder / "a.safetensors", tensor::DType::kF32); },
               ErrorCode::kInvalidArgument, {"adapter"});
  add_lora(twin, 4, lora_targets(), 1);
  learn_something(twin);
  for (const tensor::DType dtype : {tensor::DType::kF32, tensor::DType::kBF16}) {
    save_lora(twin, "micro", folder / "a.safetensors", dtype);
    const formats::WeightFile file = formats::open_safetensors(folder / "a.safetensors");
    EXPECT_EQ(file.metadata.at("base"), "micro");
    EXPECT_EQ(file.metadata.at("rank"), "4");
    EXPECT_EQ(file.metadata.at("proj_input"), "attn");
    EXPECT_EQ(file.tensors.size(), 16u);
    for (const NamedTwinTensor& one : lora_tensors(twin)) {
      const tensor::TensorView* view = file.find(one.name);
      ASSERT_NE(view, nullptr) << one.name;
      EXPECT_EQ(view->dtype, dtype);
      std::vector<float> values(static_cast<std::size_t>(view->numel()));
      tensor::to_f32(*view, values.data());
      const Tensor back = torch::tensor(values).view(one.tensor.sizes());
      EXPECT_LT((back - one.tensor.detach()).abs().max().item<float>(), 0.01f) << one.name;
    }
  }
}

}  // namespace
}  // namespace moonbeam::train
