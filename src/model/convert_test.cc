// Converting: every container and type and back, the published layout, what is refused, nothing half-written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <moonbeam/weights.h>

#include "base/file.h"
#include "base/sha256.h"
#include "model/adapter_testing.h"
#include "model/detect.h"
#include "model/gguf_form.h"
#include "model/model.h"
#include "model/testing.h"
#include "model/variants.h"

namespace moonbeam::model {
namespace {

using testing::Blob;
using testing::expect_error;
using testing::micro_config;
using testing::TestFolder;
using testing::write_folder;

const std::string kTiny = MOONBEAM_SOURCE_DIR "/tests/goldens/tiny";
const std::string kStarter = MOONBEAM_SOURCE_DIR "/tests/data/starter";

void expect_equal_bytes(const Source& a, const Source& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    const SourceTensor* twin = b.find(name);
    ASSERT_TRUE(twin) << name;
    ASSERT_EQ(twin->view.dtype, tensor.view.dtype) << name;
    ASSERT_EQ(twin->view.shape, tensor.view.shape) << name;
    EXPECT_EQ(std::memcmp(twin->view.data, tensor.view.data, static_cast<std::size_t>(tensor.view.bytes())),
              0)
        << name;
  }
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Convert, ThroughOurFormAndBackEveryByteIsTheSame) {
  TestFolder folder;
  for (const std::string& from : {kTiny, kStarter}) {
    convert_model(from, folder / "one.gguf");
    convert_model(folder / "one.gguf", folder / "back");
    const Source original = open_source(from), one = open_source(folder / "one.gguf"),
                 back = open_source(folder / "back");
    EXPECT_EQ(one.format, "moonbeam");
    EXPECT_EQ(one.layout, "plain");
    EXPECT_EQ(back.layout, "hf_2025");
    expect_equal_bytes(original, one);
    expect_equal_bytes(original, back);
    EXPECT_EQ(testing::read_text(folder / "back/tokenizer.json"),
              testing::read_text(from + "/tokenizer.json"));
    const auto first = load({.path = from}), second = load({.path = folder / "back"});
    EXPECT_EQ(write_config_json(first->config), write_config_json(second->config));
    EXPECT_TRUE(second->notes.empty()) << second->notes.front();
    EXPECT_EQ(files_in(folder / "back"),
              (std::vector<std::string>{"config.json", "model.safetensors", "tokenizer.json"}));
    std::filesystem::remove_all(folder / "back");
  }
}

TEST(Convert, OurFormBearsVersionVariantAndProvenanceWithoutFolders) {
  TestFolder folder;
  convert_model(kStarter, folder / "starter.gguf");
  const formats::GgufFile file = formats::open_gguf(folder / "starter.gguf");
  EXPECT_EQ(file.string(kKeyArchitecture), "moonbeam");
  EXPECT_EQ(file.integer(kKeyFormVersion), 1);
  EXPECT_EQ(file.string(kKeyVariant), "moonbeam");
  const std::string provenance = file.string(kKeyProvenance).value();
  EXPECT_NE(provenance.find("\"source\":\"starter\""), std::string::npos) << provenance;
  EXPECT_EQ(provenance.find('/'), std::string::npos) << provenance;
  const auto weights = base::MappedFile::open(kStarter + "/model.safetensors");
  const nlohmann::json files = nlohmann::json::parse(provenance)["files"];
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0]["name"], "model.safetensors");
  EXPECT_EQ(files[0]["bytes"], weights->bytes().size());
  EXPECT_EQ(files[0]["sha256"], base::sha256_hex(weights->bytes()));
  EXPECT_EQ(inspect_model(folder / "starter.gguf").provenance, provenance);
  for (const formats::NamedTensor& tensor : file.weights.tensors) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.view.data) % 64, 0u) << tensor.name;
  }
}

TEST(Convert, TheShippedFilesAreOneModel) {
  const std::string folder = MOONBEAM_SOURCE_DIR "/models/tiny/";
  const Source plain = open_source(folder + "tiny-bf16.gguf"), packed = open_source(folder + "tiny-int8.gguf");
  const ModelConfig config = identify(plain, {}).config;
  EXPECT_EQ(write_config_json(config), write_config_json(identify(packed, {}).config));
  EXPECT_FALSE(config.prompts.reasoning || config.prompts.spatial_refs);
  EXPECT_EQ(inspect_model(folder + "tiny-bf16.gguf").parameters, 6'756'128);
  for (const char* file : {"tiny-bf16.gguf", "tiny-int8.gguf"}) {
    EXPECT_EQ(inspect_model(folder + file).licence, "Apache-2.0") << file;
  }
}

TEST(Convert, TheLicenceIsTheSourcesTheReleasesOrTheCallers) {
  TestFolder folder;
  ConvertOptions options;
  options.licence = "MIT";
  convert_model(kTiny, folder / "a.gguf", options);
  convert_model(folder / "a.gguf", folder / "b");
  convert_model(folder / "b", folder / "c.gguf");
  EXPECT_EQ(formats::open_gguf(folder / "c.gguf").string(kKeyLicence), "MIT");
  convert_model(kTiny, folder / "d.gguf");
  EXPECT_FALSE(formats::open_gguf(folder / "d.gguf").string(kKeyLicence));
}

TEST(Convert, CastsMatricesAndKeepsSmallTensorsFromNarrowing) {
  TestFolder folder;
  for (const char* type : {"f16", "bf16"}) {
    const std::string out = folder / base::cat(type, ".gguf");
    convert_model(kTiny, out, {.dtype = type, .variant = {}, .tokenizer = {}, .progress = {}});
    const Source cast = open_source(out), original = open_source(kTiny);
    for (const TensorSpec& spec : tensor_table(synth_config("tiny"))) {
      const tensor::TensorView& view = cast.find(spec.name)->view;
      const tensor::TensorView& from = original.find(spec.name)->view;
      const bool small = spec.kind == TensorKind::kSmall;
      EXPECT_EQ(tensor::info(view.dtype).name, small ? "f32" : type) << spec.name;
      std::vector<float> values(static_cast<std::size_t>(from.numel()));
      tensor::to_f32(from, values.data());
      std::vector<std::byte> want(static_cast<std::size_t>(view.bytes()));
      tensor::info(view.dtype).quantize(values.data(), want.data(), from.numel());
      EXPECT_EQ(std::memcmp(want.data(), view.data, want.size()), 0) << spec.name;
    }
    EXPECT_EQ(load({.path = out})->dtype, type);
  }
  convert_model(kStarter, folder / "wide.gguf",
                {.dtype = "f32", .variant = {}, .tokenizer = {}, .progress = {}});
  for (const auto& [name, tensor] : open_source(folder / "wide.gguf").tensors) {
    EXPECT_EQ(tensor.view.dtype, tensor::DType::kF32) << name;
  }
}

TEST(Convert, EveryVariantsConfigurationComesBackAsItWas) {
  for (const Variant& row : variants()) {
    const std::string text = write_config_json(row.config);
    const ModelConfig read = parse_config_json(text, variant("moondream2").config, "config.json");
    EXPECT_TRUE(read.notes.empty()) << read.notes.front();
    ModelConfig back = read;
    back.variant = row.name;
    EXPECT_EQ(write_config_json(back), text) << row.name;
    EXPECT_EQ(back.vision.proj_in_dim, row.config.vision.proj_in_dim) << row.name;
  }
}

TEST(Convert, GeneratedWeightsBecomeFiles) {
  TestFolder folder;
  convert_model("synth:tiny", folder / "synth.gguf");
  expect_equal_bytes(open_source(folder / "synth.gguf"), open_source(kTiny));
  convert_model("synth:tiny:bf16", folder / "synth/");
  EXPECT_EQ(load({.path = folder / "synth"})->dtype, "bf16");
}

TEST(Convert, ANewerFormVersionIsRefusedNamingBoth) {
  TestFolder folder;
  const auto with_version = [&](formats::GgufValue version) {
    const std::vector<Blob> list{testing::f32_blob("text.wte", {1}, {0})};
    formats::write_gguf(folder / "x.gguf",
                        {{kKeyArchitecture, std::string("moonbeam")}, {kKeyFormVersion, version}},
                        testing::to_write(list));
    return [path = folder / "x.gguf"] { open_source(path); };
  };
  expect_error(with_version(std::uint64_t{2}), ErrorCode::kUnsupported, {"form version", "up to 1", "got 2"});
  expect_error(with_version(std::uint64_t{0}), ErrorCode::kCorrupt, {"moonbeam.form_version", "got 0"});
  expect_error(with_version(std::string("1")), ErrorCode::kCorrupt, {"moonbeam.form_version"});
  expect_error(with_version(std::uint64_t{1}), ErrorCode::kCorrupt, {"moonbeam.config"});
}

TEST(Convert, RefusesItsOwnInputUsedFoldersAndUnknownTypes) {
  TestFolder folder;
  convert_model(kTiny, folder / "a.gguf");
  const std::string before = testing::read_text(folder / "a.gguf");
  expect_error([&] { convert_model(folder / "a.gguf", folder / "a.gguf"); }, ErrorCode::kInvalidArgument,
               {"is what is read"});
  std::filesystem::create_symlink(folder / "a.gguf", folder / "link.gguf");
  expect_error([&] { convert_model(folder / "a.gguf", folder / "link.gguf"); }, ErrorCode::kInvalidArgument,
               {"is what is read"});
  EXPECT_EQ(testing::read_text(folder / "a.gguf"), before);
  testing::write_file(folder / "used/file", "x");
  expect_error([&] { convert_model(kTiny, folder / "used"); }, ErrorCode::kInvalidArgument,
               {"new or empty folder"});
  expect_error([&] { convert_model(kTiny, folder / "x.safetensors"); }, ErrorCode::kInvalidArgument,
               {".gguf, or a folder"});
  expect_error(
      [&] {
        convert_model(kTiny, folder / "x.gguf",
                      {.dtype = "q4_0", .variant = {}, .tokenizer = {}, .progress = {}});
      },
      ErrorCode::kInvalidArgument, {"f32, f16 or bf16", "q4_0"});
  expect_error([&] { convert_model(kTiny, ""); }, ErrorCode::kInvalidArgument, {"got nothing"});
  EXPECT_EQ(files_in(folder.path()), (std::vector<std::string>{"a.gguf", "link.gguf", "used"}));
}

TEST(Convert, LeavesNothingBehindWhenItIsCancelled) {
  TestFolder folder;
  int calls = 0;
  const ConvertOptions options{
      .dtype = {}, .variant = {}, .tokenizer = {}, .progress = [&](const Progress& at) {
        EXPECT_EQ(at.total, 72);
        return ++calls < 10;
      }};
  expect_error([&] { convert_model(kTiny, folder / "a.gguf", options); }, ErrorCode::kCancelled,
               {"cancelled"});
  expect_error([&] { convert_model(kTiny, folder / "b", options); }, ErrorCode::kCancelled, {"cancelled"});
  expect_error([&] { convert_model(kTiny, folder / "none/b", options); }, ErrorCode::kNotFound,
               {"cannot make the folder"});
  EXPECT_EQ(files_in(folder.path()), std::vector<std::string>{});
}

TEST(Convert, MergesAnAdapterIntoTheTextModelAlone) {
  TestFolder folder;
  const std::vector<Blob> adapter = testing::adapter_blobs(micro_config(), 3, 0.5f);
  testing::write_adapter(folder / "a.safetensors", adapter, testing::adapter_metadata(3));
  write_folder(folder / "m", micro_config());
  write_folder(folder / "want", micro_config(), [&](auto& list) { testing::merge_plainly(list, adapter); });
  for (const std::string out : {"out.gguf", "out"}) {
    convert_model(folder / "m", folder / out, {.adapter = folder / "a.safetensors", .progress = {}});
    const Source got = open_source(folder / out), want = open_source(folder / "want");
    for (const auto& [name, tensor] : want.tensors) {
      ASSERT_EQ(got.find(name)->view.dtype, tensor.view.dtype) << name;
      std::vector<float> a(static_cast<std::size_t>(tensor.view.numel())), b(a.size());
      tensor::to_f32(tensor.view, a.data());
      tensor::to_f32(got.find(name)->view, b.data());
      for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(b[i], a[i], 2e-6) << name << " " << i;
    }
  }
  const nlohmann::json files = nlohmann::json::parse(inspect_model(folder / "out").provenance)["files"];
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[1]["name"], "a.safetensors");
}

TEST(Convert, WritesNothingWhereAnAdapterDoesNotFit) {
  TestFolder folder;
  testing::write_adapter(folder / "a.safetensors", testing::adapter_blobs(micro_config(), 3, 0.5f),
                         testing::adapter_metadata(3));
  expect_error(
      [&] { convert_model(kTiny, folder / "x.gguf", {.adapter = folder / "a.safetensors", .progress = {}}); },
      ErrorCode::kCorrupt, {"a.safetensors", "expected [rank,128], got [3,64]"});
  EXPECT_FALSE(std::filesystem::exists(folder / "x.gguf"));
}

TEST(Inspect, ShowsTheStarter) {
  const ModelSummary summary = inspect_model(kStarter, true);
  EXPECT_EQ(summary.format, "safetensors");
  EXPECT_EQ(summary.variant, "moonbeam");
  EXPECT_EQ(summary.layout, "hf_2025");
  EXPECT_EQ(summary.tensors.size(), 140u);
  EXPECT_EQ(summary.tensors[0].name, "vision.patch_emb.weight");
  EXPECT_EQ(summary.tensors[0].source_name, "model.vision.patch_emb.weight");
  EXPECT_EQ(summary.parameters, 5697696);
  EXPECT_EQ(summary.bytes, 2 * 5697696);
  ASSERT_EQ(summary.dtypes.size(), 1u);
  EXPECT_EQ(summary.dtypes[0].dtype, "bf16");
  EXPECT_GT(summary.memory_bytes, summary.bytes);
  EXPECT_TRUE(summary.skipped.empty());
  EXPECT_NE(summary.config_json.find("\"image_grid\": 7"), std::string::npos);
}

TEST(Inspect, VerifyFindsOneBadValueInAMatrix) {
  TestFolder folder;
  write_folder(folder / "bad", micro_config(), [](std::vector<Blob>& list) {
    const float infinity = INFINITY;
    std::memcpy(testing::find(list, "model.text.wte").bytes.data() + 4 * 70, &infinity, 4);
  });
  EXPECT_NO_THROW(inspect_model(folder / "bad"));
  expect_error([&] { inspect_model(folder / "bad", true); }, ErrorCode::kCorrupt,
               {"text.wte", "value 70", "infinity"});
}

}  // namespace
}  // namespace moonbeam::model
