// Loading models: the parity and the starter model, what is refused and how.
#include <gtest/gtest.h>
#include <bit>

#include <cmath>

#include "base/error.h"
#include "model/checks.h"
#include "model/model.h"
#include "model/testing.h"

namespace moonbeam::model {
namespace {

using testing::Blob;
using testing::expect_error;
using testing::find;
using testing::micro_config;
using testing::TestFolder;
using testing::write_folder;

const std::string kTiny = MOONBEAM_SOURCE_DIR "/tests/goldens/tiny";
const std::string kStarter = MOONBEAM_SOURCE_DIR "/tests/data/starter";

TEST(Load, ReadsTheParityModelFromItsFolder) {
  const auto model = load({.path = kTiny});
  EXPECT_EQ(model->name, "tiny");
  EXPECT_EQ(model->layout, "hf_2025");
  EXPECT_EQ(model->config.variant, "moonbeam");
  EXPECT_EQ(model->dtype, "f32");
  EXPECT_EQ(model->vision.blocks.size(), 2u);
  EXPECT_EQ(model->text.blocks.size(), 2u);
  ASSERT_TRUE(model->region);
  EXPECT_EQ(model->vision.proj_fc1.in(), 288);
  EXPECT_EQ(model->text.lm_head.out(), 1024);
  EXPECT_EQ(model->text.lm_head.bias[0], std::bit_cast<float>(0x407ef789u));
  EXPECT_EQ(model->config.text.prefix_attn, 730);
  EXPECT_EQ(model->config.prompts.query_suffix_count, 2);
  EXPECT_TRUE(model->notes.empty()) << model->notes.front();
}

TEST(Load, ReadsTheStarterWithItsOwnKeys) {
  const auto model = load({.path = kStarter});
  EXPECT_EQ(model->name, "starter");
  EXPECT_EQ(model->dtype, "bf16");
  EXPECT_EQ(model->parameters, 5697696);
  EXPECT_EQ(model->config.vision.image_grid, 7);
  EXPECT_EQ(model->config.vision.cropping, vision::Cropping::kOverlapCrops);
  EXPECT_EQ(model->config.region->coord_divisor, 1023);
  EXPECT_EQ(model->config.prompts.query_suffix_count, 1);
  EXPECT_EQ(model->tokenizer.added.size(), 10u);
}

using Change = std::function<void(std::vector<Blob>&)>;

void expect_refused(const Change& change, ErrorCode code, const std::vector<std::string>& parts,
                    const ModelConfig& config = micro_config()) {
  TestFolder folder;
  write_folder(folder / "m", config, change);
  expect_error([&] { load({.path = folder / "m"}); }, code, parts);
}

void drop(std::vector<Blob>& list, const std::string& part) {
  std::erase_if(list, [&](const Blob& blob) { return blob.name.find(part) != std::string::npos; });
}

TEST(Load, MatricesAreUsedWhereTheyLieAndSmallTensorsAreF32) {
  const auto model = load({.path = kStarter});
  const auto bytes = model->storage.files[0]->files[0]->bytes();
  const auto inside = [&](const tensor::TensorView& view) {
    return view.data >= bytes.data() && view.data + view.bytes() <= bytes.data() + bytes.size();
  };
  EXPECT_TRUE(inside(model->text.wte));
  EXPECT_TRUE(inside(model->vision.blocks[5].fc2.weight));
  EXPECT_TRUE(model->storage.tensors.empty());
  const tensor::TensorView* norm = model->storage.files[0]->find("model.text.post_ln.weight");
  std::vector<float> want(192);
  tensor::to_f32(*norm, want.data());
  EXPECT_EQ(std::vector<float>(model->text.post_ln.weight, model->text.post_ln.weight + 192), want);
}

TEST(Load, MissingTensorsAreReportedTogether) {
  expect_refused([](auto& list) { drop(list, "text.blocks.1."); }, ErrorCode::kCorrupt,
                 {"10 of 72 tensors missing", "'text.blocks.1.ln.weight'", "and 5 more"});
  expect_refused([](auto& list) { drop(list, "region.coord_decoder.fc1.bias"); }, ErrorCode::kCorrupt,
                 {"1 of 72", "'region.coord_decoder.fc1.bias'"});
}

TEST(Load, ExtraTensorsAreNotedAndExtraBlocksRefused) {
  TestFolder folder;
  write_folder(folder / "m", micro_config(), [](auto& list) {
    list.push_back(testing::f32_blob("model.text.cos_table", {2, 2}, std::vector<float>(4)));
  });
  const auto model = load({.path = folder / "m"});
  ASSERT_EQ(model->notes.size(), 1u);
  EXPECT_NE(model->notes[0].find("nothing uses: 'text.cos_table'"), std::string::npos);
  ModelConfig fewer = micro_config();
  fewer.text.layers = 1;
  testing::write_file(folder / "m/config.json", write_config_json(fewer));
  expect_error([&] { load({.path = folder / "m"}); }, ErrorCode::kCorrupt,
               {"text.blocks.1.attn.proj.bias", "expected fewer blocks"});
}

TEST(Load, AWrongShapeSaysExpectedAndGot) {
  expect_refused(
      [](auto& list) {
        find(list, "model.text.lm_head.weight").shape = {64, 512};
      },
      ErrorCode::kCorrupt, {"'model.text.lm_head.weight'", "expected [512,64]", "got [64,512]"});
  ModelConfig wide = micro_config();
  wide.vision.ff_dim = 41;
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  testing::write_file(folder / "m/config.json", write_config_json(wide));
  expect_error([&] { load({.path = folder / "m"}); }, ErrorCode::kCorrupt,
               {"mlp.fc1.weight", "[41,24]", "[40,24]"});
}

TEST(Load, TypesThatAreNoWeightsAreRefused) {
  expect_refused(
      [](auto& list) {
        Blob& blob = find(list, "model.text.wte");
        blob.dtype = tensor::DType::kI32;
      },
      ErrorCode::kUnsupported, {"model.text.wte", "expected a type of weights", "i32"});
}

TEST(Load, NanInANormIsFoundAtLoad) {
  expect_refused(
      [](auto& list) {
        const float nan = NAN;
        std::memcpy(find(list, "model.vision.blocks.1.ln2.bias").bytes.data() + 4 * 3, &nan, 4);
      },
      ErrorCode::kCorrupt, {"vision.blocks.1.ln2.bias", "value 3", "NaN"});
}

TEST(Load, TooLittleMemoryIsRefusedWithBothFigures) {
  const base::Memory little{.total = 8'000'000'000, .available = 3'000'000};
  expect_error([&] { load({.path = kStarter, .memory = little}); }, ErrorCode::kExhausted,
               {"needs ", "got 3 MB free of 8 GB"});
  EXPECT_NO_THROW(load({.path = kStarter, .check_memory = false, .memory = little}));
  const base::Memory less{.total = 4'000'000'000, .available = 2'000'000'000};
  expect_error([&] { load({.path = "synth:moondream2:bf16", .memory = less}); }, ErrorCode::kExhausted,
               {"weights 3.8"});
}

TEST(Load, TheEstimateOfTheFullModelIsWeightsAndUnderOneGibibyteOfWork) {
  const Source source = open_source("synth:moondream2:bf16");
  const MemoryNeed need = memory_need(source, tensor_table(*source.config), *source.config, Mode::kF32);
  EXPECT_GT(need.work, 805'000'000);  // the cache of the whole context alone
  EXPECT_LT(need.work, 1'100'000'000);
  EXPECT_NEAR(static_cast<double>(need.owned), 2.0 * 1927237104, 2e7);
}

TEST(Load, ProgressCountsTensorsAndCancels) {
  int calls = 0;
  load({.path = kTiny, .progress = [&](int done, int total) {
          EXPECT_EQ(total, 72);
          EXPECT_EQ(done, ++calls);
          return true;
        }});
  EXPECT_EQ(calls, 72);
  expect_error([] { load({.path = kTiny, .progress = [](int, int) { return false; }}); },
               ErrorCode::kCancelled, {"cancelled"});
}

TEST(Load, PathsThatAreNoModelsSayWhatIsExpected) {
  TestFolder folder;
  std::filesystem::create_directories(folder / "empty");
  testing::write_file(folder / "zero.safetensors", "");
  testing::write_file(folder / "zero.gguf", "");
  testing::write_file(folder / "zero.bin", "");
  testing::write_file(folder / "picture.bin", "\x89PNG\r\n\x1a\n........");
  expect_error([&] { load({.path = folder / "none.gguf"}); }, ErrorCode::kNotFound,
               {"none.gguf", "no such file"});
  expect_error([&] { load({.path = "no-such-model"}); }, ErrorCode::kNotFound,
               {"no-such-model", "no model of that name"});
  expect_error([&] { load({.path = ""}); }, ErrorCode::kInvalidArgument, {"got nothing"});
  expect_error([&] { load({.path = folder / "empty"}); }, ErrorCode::kNotFound, {"model.safetensors"});
  expect_error([&] { load({.path = folder / "zero.safetensors"}); }, ErrorCode::kCorrupt,
               {"zero.safetensors"});
  expect_error([&] { load({.path = folder / "zero.gguf"}); }, ErrorCode::kCorrupt, {"zero.gguf"});
  EXPECT_THROW(load({.path = folder / "zero.bin"}), Error);
  EXPECT_THROW(load({.path = folder / "picture.bin"}), Error);
  EXPECT_THROW(load({.path = folder / "no\xff\xfe.gguf"}), Error);
  write_folder(folder / "m", micro_config());
  testing::write_file(folder / "m/config.json", "");
  expect_error([&] { load({.path = folder / "m"}); }, ErrorCode::kCorrupt, {"config.json", "empty file"});
}

TEST(Load, ASingleFileIsReadWithWhatLiesBesideIt) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  EXPECT_EQ(load({.path = folder / "m/model.safetensors"})->name, "model");
  EXPECT_EQ(load({.path = folder / "m/"})->name, "m");
  std::filesystem::rename(folder / "m/model.safetensors", folder / "m/weights");
  EXPECT_EQ(load({.path = folder / "m/weights"})->config.text.dim, 64);
  std::filesystem::remove(folder / "m/tokenizer.json");
  expect_error([&] { load({.path = folder / "m/weights"}); }, ErrorCode::kNotFound,
               {"no tokenizer", "m/tokenizer.json"});
}

}  // namespace
}  // namespace moonbeam::model
