#include "train/twin/twin.h"

#include <gtest/gtest.h>

#include <fstream>

#include <moonbeam/weights.h>

#include "model/model.h"
#include "model/tensor_table.h"
#include "model/testing.h"
#include "model/variants.h"
#include "train/twin/init.h"
#include "train/twin/model_file.h"

namespace moonbeam::train {
namespace {

using model::testing::expect_error;
using model::testing::micro_config;
using model::testing::TestFolder;
using torch::Tensor;

const std::string kStarter = std::string(MOONBEAM_SOURCE_DIR) + "/tests/data/starter";
const std::string kParity = std::string(MOONBEAM_SOURCE_DIR) + "/tests/goldens/tiny";

std::string micro_tokenizer() {
  return formats::write_tokenizer_json(model::synth_tokenizer(micro_config()));
}

Twin micro_twin(std::uint64_t seed = 3) {
  Twin twin(micro_config());
  initialise(twin, {.seed = seed});
  return twin;
}

TEST(Twin, ItsTensorsAreThoseOfTheEngine) {
  model::ModelConfig text_only = micro_config();
  text_only.region.reset();
  for (const model::ModelConfig& config :
       {micro_config(), model::synth_config("tiny"), model::variant("tiny").config, text_only}) {
    const Twin twin(config);
    const std::vector<model::TensorSpec> table = model::tensor_table(config);
    const std::vector<NamedTwinTensor> tensors = twin_tensors(twin);
    ASSERT_EQ(tensors.size(), table.size());
    for (std::size_t i = 0; i < table.size(); ++i) EXPECT_EQ(tensors[i].name, table[i].name);
  }
}

TEST(Twin, TheShippedVariantHasTheSizesOfItsDescription) {
  const auto millions = [](const char* name) {
    return static_cast<double>(model::parameter_count(model::tensor_table(model::variant(name).config))) /
           1e6;
  };
  EXPECT_NEAR(millions("tiny"), 6.8, 0.1);
  EXPECT_NEAR(millions("small"), 35, 1);
}

TEST(Twin, TheCroppingOf2024IsNotTrained) {
  model::ModelConfig config = micro_config();
  config.vision.cropping = vision::Cropping::kViews2024;
  expect_error([&] { Twin{config}; }, ErrorCode::kUnsupported, {"2024"});
}

TEST(Init, TheSeedAloneDecides) {
  const std::vector<NamedTwinTensor> a = twin_tensors(micro_twin(3)), b = twin_tensors(micro_twin(3)),
                                     c = twin_tensors(micro_twin(4));
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::equal(a[i].tensor, b[i].tensor)) << a[i].name;
    const bool fixed = a[i].name.ends_with(".bias") || a[i].name.find("ln") != std::string::npos;
    EXPECT_EQ(torch::equal(a[i].tensor, c[i].tensor), fixed) << a[i].name;
  }
}

TEST(Init, ThePlaceOfAPatchCanBeReadFromItsPosition) {
  Twin twin(model::variant("tiny").config);
  initialise(twin, {});
  const Tensor table = twin->vision->pos_emb.detach().squeeze(0).to(torch::kDouble);
  const Tensor at = torch::arange(196);
  const Tensor place =
      torch::stack({at.remainder(14), at.floor_divide(14)}, -1).to(torch::kDouble).add(0.5).div(14);
  // Least squares with a constant: the error of the best linear reading.
  const Tensor rows = torch::cat({table, torch::ones({196, 1}, torch::kDouble)}, 1);
  const Tensor gram = rows.t().matmul(rows) + 1e-2 * torch::eye(rows.size(1), torch::kDouble);
  const Tensor reading = rows.matmul(torch::linalg_solve(gram, rows.t().matmul(place)));
  EXPECT_LT((reading - place).abs().mean().item<double>(), 0.01);
}

TEST(ModelFile, WhatIsSavedInF32IsLoadedBitByBit) {
  TestFolder folder;
  const Twin twin = micro_twin();
  save_twin(twin, micro_tokenizer(), folder / "model");
  const LoadedModel back = load_twin(folder / "model");
  EXPECT_EQ(model::write_config_json(back.twin->config()), model::write_config_json(twin->config()));
  EXPECT_EQ(back.tokenizer_json, micro_tokenizer());
  const std::vector<NamedTwinTensor> want = twin_tensors(twin), got = twin_tensors(back.twin);
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_TRUE(torch::equal(got[i].tensor, want[i].tensor)) << want[i].name;
  }
  Twin other = micro_twin(9);
  load_weights(other, folder / "model/model.safetensors");
  EXPECT_TRUE(torch::equal(other->text->wte, twin->text->wte));
}

TEST(ModelFile, InBf16MatricesAreRoundedAndSmallTensorsAreNot) {
  TestFolder folder;
  const Twin twin = micro_twin();
  save_twin(twin, micro_tokenizer(), folder / "model", {.dtype = tensor::DType::kBF16});
  const LoadedModel back = load_twin(folder / "model");
  EXPECT_TRUE(torch::equal(back.twin->text->wte, twin->text->wte.to(torch::kBFloat16).to(torch::kFloat)));
  EXPECT_TRUE(torch::equal(back.twin->vision->pos_emb, twin->vision->pos_emb));
  EXPECT_TRUE(torch::equal(back.twin->region->size_features, twin->region->size_features));
}

TEST(ModelFile, OnlyTheCoordinateTokensBiasIsMoved) {
  TestFolder folder;
  const Twin twin = micro_twin();
  const int coord = twin->config().prompts.coord;
  ASSERT_GE(coord, 0);
  save_twin(twin, micro_tokenizer(), folder / "model", {.coordinate_bias = -1.5});
  const LoadedModel back = load_twin(folder / "model");
  const std::vector<NamedTwinTensor> was = twin_tensors(twin), got = twin_tensors(back.twin);
  for (std::size_t i = 0; i < was.size(); ++i) {
    Tensor want = was[i].tensor.detach().clone();
    if (was[i].name == "text.lm_head.bias") want[coord] -= 1.5;
    EXPECT_TRUE(torch::equal(got[i].tensor, want)) << was[i].name;
  }
}

TEST(ModelFile, TheEngineOpensWhatIsSaved) {
  TestFolder folder;
  const Twin twin = micro_twin();
  for (const tensor::DType dtype : {tensor::DType::kF32, tensor::DType::kBF16}) {
    const std::string path = folder / std::string(tensor::info(dtype).name);
    save_twin(twin, micro_tokenizer(), path, {.dtype = dtype, .metadata = {{"license", "Apache-2.0"}}});
    const auto model = model::load({.path = path});
    EXPECT_EQ(model->dtype, tensor::info(dtype).name);
    EXPECT_TRUE(model->notes.empty()) << model->notes.front();
    EXPECT_EQ(model->parameters, model::parameter_count(model::tensor_table(twin->config())));
  }
}

TEST(ModelFile, EveryContainerIsReadAlike) {
  const LoadedModel folder = load_twin(kStarter);
  TestFolder files;
  convert_model(kStarter, files / "starter.gguf");
  const LoadedModel gguf = load_twin(files / "starter.gguf");
  const std::vector<NamedTwinTensor> want = twin_tensors(folder.twin), got = twin_tensors(gguf.twin);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_TRUE(torch::equal(got[i].tensor, want[i].tensor)) << want[i].name;
  }
}

TEST(ModelFile, NumbersThatAreNotFiniteAndTensorsThatAreMissingAreNamed) {
  TestFolder folder;
  Twin twin = micro_twin();
  {
    const torch::NoGradGuard no_grad;
    twin->text->blocks[1]->as<TextBlockImpl>()->attn->proj->weight[3][5] = NAN;
  }
  save_twin(twin, micro_tokenizer(), folder / "nan");
  expect_error([&] { load_twin(folder / "nan"); }, ErrorCode::kCorrupt, {"text.blocks.1.attn.proj.weight"});
  model::ModelConfig more = micro_config();
  more.text.layers = 3;
  Twin larger(more);
  expect_error([&] { load_weights(larger, folder / "nan/model.safetensors"); }, ErrorCode::kCorrupt,
               {"text.blocks.2"});
  expect_error([&] { save_twin(twin, "", folder / "f16", {.dtype = tensor::DType::kF16}); },
               ErrorCode::kInvalidArgument, {"f32 or bf16", "f16"});
  EXPECT_FALSE(std::filesystem::exists(folder / "f16"));
}

}  // namespace
}  // namespace moonbeam::train
