// Quantised files: every source type gives one, it answers as its source does in the same mode, to the bit,
// and damage is found. The accuracy that is measured keeps the bars on the models that tests have.
#include <gtest/gtest.h>
#include <moonbeam/moonbeam.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/kernels.h"
#include "model/accuracy.h"
#include "model/adapter_testing.h"
#include "model/gguf_form.h"
#include "model/mode.h"
#include "model/testing.h"
#include "tasks/accuracy.h"
#include "tasks/image_prefix.h"

namespace moonbeam::tasks {
namespace {

using model::testing::Blob;
using model::testing::expect_error;
using model::testing::micro_config;
using model::testing::read_text;
using model::testing::TestFolder;
using model::testing::write_file;
using model::testing::write_folder;
using tensor::DType;

const std::string kTiny = MOONBEAM_SOURCE_DIR "/tests/goldens/tiny";
const std::string kStarter = MOONBEAM_SOURCE_DIR "/tests/data/starter";
constexpr std::uint64_t kPictureSum = 185659451;
constexpr Mode kPacked[] = {Mode::kBF16, Mode::kInt8, Mode::kInt4};

std::shared_ptr<const Engine> engine_of(const std::string& path, Mode mode = Mode::kAuto, int threads = 2,
                                        const std::string& isa = {}, bool mmap = false) {
  return open_engine(path, {.mode = mode, .threads = threads, .isa = isa, .mmap = mmap, .progress = {}});
}

QuantizeResult quantize(const std::string& from, const std::string& to, Mode mode, bool measure = false) {
  QuantizeOptions options;
  options.mode = mode;
  options.measure = measure;
  return quantize_model(from, to, options);
}

void expect_same_bits(const StageValues& a, const StageValues& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [key, values] : a) {
    const std::vector<float>& twin = b.at(key);
    ASSERT_EQ(twin.size(), values.size()) << key.first << key.second;
    EXPECT_EQ(std::memcmp(values.data(), twin.data(), values.size() * sizeof(float)), 0)
        << key.first << key.second;
  }
}

std::string type_in(const std::string& file, const std::string& name) {
  for (const TensorSummary& tensor : inspect_model(file).tensors) {
    if (tensor.name == name) return tensor.dtype;
  }
  return "none";
}

TEST(Quantize, TheFileAnswersAsItsSourceDoesInThatModeToTheBit) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  for (const Mode mode : kPacked) {
    SCOPED_TRACE(mode_name(mode));
    const std::string file = folder / "q.gguf";
    EXPECT_EQ(quantize(folder / "m", file, mode).mode, mode);
    const StageValues want = record_stages(engine_of(folder / "m", mode));
    for (const bool mmap : {false, true}) {
      const auto engine = engine_of(file, Mode::kAuto, 2, {}, mmap);
      EXPECT_EQ(engine->info.mode, mode_name(mode));
      expect_same_bits(record_stages(engine), want);
    }
    EXPECT_EQ(inspect_model(file, true).mode, mode_name(mode));
  }
}

/// All that is in a file but its name and provenance.
void expect_same_weights(const std::string& a, const std::string& b) {
  const model::Source one = model::open_source(a), two = model::open_source(b);
  EXPECT_EQ(one.recipe, two.recipe);
  EXPECT_EQ(one.accuracy, two.accuracy);
  EXPECT_EQ(one.config_text, two.config_text);
  EXPECT_EQ(one.tokenizer_text, two.tokenizer_text);
  ASSERT_EQ(one.tensors.size(), two.tensors.size());
  for (const auto& [name, tensor] : one.tensors) {
    const model::SourceTensor* twin = two.find(name);
    ASSERT_TRUE(twin) << name;
    ASSERT_EQ(twin->view.dtype, tensor.view.dtype) << name;
    EXPECT_EQ(twin->checksum, tensor.checksum) << name;
    const auto bytes = static_cast<std::size_t>(tensor.view.bytes());
    EXPECT_EQ(std::memcmp(twin->view.data, tensor.view.data, bytes), 0) << name;
  }
}

TEST(Quantize, AnAdapterIsMergedAsConvertMergesItByteForByte) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  convert_model(folder / "m", folder / "half.gguf", {.dtype = "bf16", .progress = {}});
  model::testing::write_adapter(folder / "a.safetensors",
                                model::testing::adapter_blobs(micro_config(), 3, 0.5f),
                                model::testing::adapter_metadata(3));
  QuantizeOptions options;
  for (const std::string source : {"m", "half.gguf"}) {
    convert_model(folder / source, folder / "merged.gguf",
                  {.adapter = folder / "a.safetensors", .progress = {}});
    for (const std::string recipe : {"* bf16", "* int8", "text.blocks.1.* keep\ntext.wte q8_0\n* int4"}) {
      SCOPED_TRACE(source + ": " + recipe);
      options.recipe = recipe;
      options.measure = recipe == "* int8";
      options.adapter = {};
      quantize_model(folder / "merged.gguf", folder / "twice.gguf", options);
      quantize_model(folder / source, folder / "plain.gguf", options);
      options.adapter = folder / "a.safetensors";
      quantize_model(folder / source, folder / "once.gguf", options);
      expect_same_weights(folder / "once.gguf", folder / "twice.gguf");
      const auto sum = [&](const std::string& file) {
        return model::open_source(folder / file).find("text.blocks.0.mlp.fc1.weight")->checksum;
      };
      EXPECT_NE(sum("once.gguf"), sum("plain.gguf"));
    }
  }
  EXPECT_NE(inspect_model(folder / "once.gguf").provenance.find("a.safetensors"), std::string::npos);
}

TEST(Quantize, AnAdapterThatCannotBeMergedIsRefusedAndOneOfAnotherModelWarnedOf) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  const std::vector<Blob> blobs = model::testing::adapter_blobs(micro_config(), 3, 0.5f);
  QuantizeOptions options;
  options.measure = false;
  options.adapter = folder / "a.safetensors";
  const auto with = [&](const std::string& from, const std::map<std::string, std::string>& metadata) {
    model::testing::write_adapter(options.adapter, blobs, metadata);
    return quantize_model(folder / from, folder / "q.gguf", options);
  };
  expect_error([&] { with("m", model::testing::adapter_metadata(3, "block")); }, ErrorCode::kUnsupported,
               {"a.safetensors: 'text.blocks.0.attn.proj.weight'", "proj_input"});
  EXPECT_FALSE(std::filesystem::exists(folder / "q.gguf"));
  EXPECT_TRUE(with("m", model::testing::adapter_metadata(3)).warnings.empty());
  const QuantizeResult other = with("m", {{"base", "n"}, {"proj_input", "attn"}});
  ASSERT_EQ(other.warnings.size(), 1u);
  EXPECT_NE(other.warnings[0].find("made for 'n', the model is 'm'"), std::string::npos) << other.warnings[0];
  std::filesystem::rename(folder / "q.gguf", folder / "int8.gguf");
  expect_error([&] { with("int8.gguf", model::testing::adapter_metadata(3)); }, ErrorCode::kUnsupported,
               {"int8.gguf: 'text.blocks.0.attn.qkv.weight': is int8", "quantised again"});
  expect_error(
      [&] {
        options.adapter = folder / "none";
        quantize_model(folder / "m", folder / "q.gguf", options);
      },
      ErrorCode::kNotFound, {"none"});
}

TEST(Quantize, TheTypesAreThoseOfTheRecipeAndStandWhenItIsLoaded) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  QuantizeOptions options;
  options.measure = false;
  options.recipe = "vision.blocks.1.* bf16\ntext.wte q8_0\ntext.lm_head.weight keep\nregoin.* bf16\n* int4\n";
  const QuantizeResult result = quantize_model(folder / "m", folder / "q.gguf", options);
  EXPECT_EQ(result.mode, Mode::kInt4);
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("'regoin.*'"), std::string::npos) << result.warnings[0];
  EXPECT_EQ(type_in(folder / "q.gguf", "vision.blocks.1.mlp.fc1.weight"), "bf16_packed");
  EXPECT_EQ(type_in(folder / "q.gguf", "vision.blocks.0.mlp.fc1.weight"), "int4");
  EXPECT_EQ(type_in(folder / "q.gguf", "text.wte"), "q8_0");
  EXPECT_EQ(type_in(folder / "q.gguf", "text.lm_head.weight"), "f32");
  EXPECT_EQ(type_in(folder / "q.gguf", "text.lm_head.bias"), "f32");
  EXPECT_EQ(inspect_model(folder / "q.gguf").recipe, options.recipe);
  for (const Mode mode : {Mode::kAuto, Mode::kInt4}) {
    const auto engine = engine_of(folder / "q.gguf", mode);
    EXPECT_EQ(engine->info.mode, "int4");
    EXPECT_EQ(engine->model->vision.blocks[1].fc1.weight.dtype, DType::kBF16Packed);
    EXPECT_EQ(engine->model->vision.blocks[0].fc1.weight.dtype, DType::kInt4);
    EXPECT_EQ(engine->model->text.lm_head.weight.dtype, DType::kF32);
    EXPECT_EQ(engine->model->text.wte.dtype, DType::kQ8_0);
  }
  EXPECT_EQ(engine_of(folder / "q.gguf", Mode::kInt8)->model->vision.blocks[0].fc1.weight.dtype,
            DType::kInt8);
  EXPECT_EQ(engine_of(folder / "q.gguf", Mode::kF32)->model->vision.blocks[0].fc1.weight.dtype, DType::kF32);
}

TEST(Quantize, ARecipeThatIsNoneOrPacksNothingIsRefused) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  const auto with = [&](const std::string& recipe) {
    return [&folder, recipe] {
      QuantizeOptions options;
      options.recipe = recipe;
      quantize_model(folder / "m", folder / "q.gguf", options);
    };
  };
  expect_error(with("* keep"), ErrorCode::kInvalidArgument, {"recipe: expected a rule", "got none"});
  expect_error(with("text.wte q8_0"), ErrorCode::kInvalidArgument, {"got none"});
  expect_error(with("* int5"), ErrorCode::kInvalidArgument, {"recipe: line 1", "int5"});
  expect_error([&] { quantize(folder / "m", folder / "q.gguf", Mode::kF32); }, ErrorCode::kInvalidArgument,
               {"expected bf16, int8 or int4, got f32"});
  expect_error([&] { quantize(folder / "m", folder / "q/", Mode::kInt8); }, ErrorCode::kInvalidArgument,
               {"ending in .gguf"});
  quantize(folder / "m", folder / "q.gguf", Mode::kInt8);
  expect_error([&] { quantize(folder / "q.gguf", folder / "q.gguf", Mode::kInt4); },
               ErrorCode::kInvalidArgument, {"is what is read"});
}

// ------------------------------------------------------------------------------------- what is read

/// A file of our form with block 1's second feed-forward matrix [64, 256] in `type`.
void write_with_type(const std::string& path, DType type) {
  model::ModelConfig config = micro_config();
  config.text.ff_dim = 256;
  const std::string changed = "text.blocks.1.mlp.fc2.weight";
  std::vector<Blob> list;
  for (auto& [name, blob] : model::testing::make_blobs(config)) list.push_back(blob);
  Blob& blob = model::testing::find(list, changed);
  const tensor::DTypeInfo& info = tensor::info(type);
  const std::vector<float> values = model::testing::values_of(blob);
  blob.dtype = type;
  blob.bytes.assign(*tensor::byte_size(blob.shape, type), std::byte{0});
  if (info.quantize) {
    info.quantize(values.data(), blob.bytes.data(), blob.shape.numel());
  } else {
    std::uint32_t x = 3;
    for (std::byte& byte : blob.bytes) byte = static_cast<std::byte>((x = x * 1664525 + 1013904223) >> 24);
    // The blocks' scales are f16, first or, in q6_k, last: 0.001.
    for (std::size_t at = 0; at < blob.bytes.size(); at += static_cast<std::size_t>(info.bytes)) {
      const std::uint16_t scale = 0x1419;
      if (type == DType::kQ6_K) {
        std::memcpy(&blob.bytes[at + 208], &scale, 2);
      } else {
        std::memcpy(&blob.bytes[at], &scale, 2);
        std::memcpy(&blob.bytes[at + 2], &scale, 2);
      }
    }
  }
  formats::write_gguf(path,
                      {{model::kKeyArchitecture, std::string(model::kArchitecture)},
                       {model::kKeyFormVersion, std::uint64_t{1}},
                       {model::kKeyConfig, model::write_config_json(config)},
                       {model::kKeyTokenizer, formats::write_tokenizer_json(model::synth_tokenizer(config))}},
                      model::testing::to_write(list));
}

TEST(Quantize, ReadsEveryTypeOfWeights) {
  TestFolder folder;
  for (const DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                           DType::kQ5_1, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    SCOPED_TRACE(tensor::info(type).name);
    write_with_type(folder / "in.gguf", type);
    quantize(folder / "in.gguf", folder / "q.gguf", Mode::kInt8);
    expect_same_bits(record_stages(engine_of(folder / "q.gguf")),
                     record_stages(engine_of(folder / "in.gguf", Mode::kInt8)));
  }
}

TEST(Quantize, ReadsTheMakersInt4) {
  TestFolder folder;
  write_folder(folder / "m", micro_config(), [](std::vector<Blob>& list) {
    const std::string name = "model.text.blocks.0.attn.qkv.weight";
    const std::int64_t groups = model::testing::find(list, name).shape.numel() / 128;
    std::erase_if(list, [&](const Blob& blob) { return blob.name == name; });
    Blob packed{name + ".packed",
                DType::kU8,
                {groups / 2, 128},
                std::vector<std::byte>(static_cast<std::size_t>(groups) * 64)};
    std::uint32_t x = 5;
    for (std::byte& byte : packed.bytes) byte = static_cast<std::byte>((x = x * 1664525 + 1013904223) >> 24);
    list.push_back(packed);
    const std::vector<float> scale(static_cast<std::size_t>(groups), 0.01f), zero(scale.size(), 7.5f);
    list.push_back(model::testing::f32_blob(name + ".scale", {groups, 1}, scale));
    list.push_back(model::testing::f32_blob(name + ".zero_point", {groups, 1}, zero));
  });
  for (const Mode mode : {Mode::kInt8, Mode::kInt4}) {
    quantize(folder / "m", folder / "q.gguf", mode);
    expect_same_bits(record_stages(engine_of(folder / "q.gguf")),
                     record_stages(engine_of(folder / "m", mode)));
  }
}

TEST(Quantize, ReadsAQuantisedFileOfAnotherMode) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  quantize(folder / "m", folder / "int8.gguf", Mode::kInt8);
  quantize(folder / "int8.gguf", folder / "int4.gguf", Mode::kInt4);
  EXPECT_EQ(inspect_model(folder / "int4.gguf", true).mode, "int4");
  expect_same_bits(record_stages(engine_of(folder / "int4.gguf")),
                   record_stages(engine_of(folder / "int8.gguf", Mode::kInt4)));
}

TEST(Quantize, ConvertCopiesAQuantisedFileAndUnpacksItWhereATypeIsNamed) {
  TestFolder folder;
  write_folder(folder / "m", micro_config());
  quantize(folder / "m", folder / "q.gguf", Mode::kInt8, true);
  convert_model(folder / "q.gguf", folder / "copy.gguf");
  const ModelSummary a = inspect_model(folder / "q.gguf", true),
                     b = inspect_model(folder / "copy.gguf", true);
  EXPECT_EQ(b.recipe, a.recipe);
  ASSERT_TRUE(b.accuracy);
  EXPECT_EQ(model::write_accuracy(*b.accuracy), model::write_accuracy(*a.accuracy));
  expect_same_bits(record_stages(engine_of(folder / "copy.gguf")),
                   record_stages(engine_of(folder / "q.gguf")));
  ConvertOptions plain;
  plain.dtype = "f32";
  convert_model(folder / "q.gguf", folder / "plain", plain);
  expect_same_bits(record_stages(engine_of(folder / "plain", Mode::kF32)),
                   record_stages(engine_of(folder / "q.gguf", Mode::kF32)));
  expect_error([&] { convert_model(folder / "q.gguf", folder / "packed"); }, ErrorCode::kUnsupported,
               {"safetensors has no type", "--dtype"});
}

// --------------------------------------------------------------------------------------- damaged files

class Damaged : public ::testing::Test {
 protected:
  void SetUp() override {
    write_folder(folder_ / "m", micro_config());
    quantize(folder_ / "m", file_, Mode::kInt8);
    text_ = read_text(file_);
  }
  /// Offset in the file of a tensor's first byte.
  std::size_t place(const std::string& name) const {
    const formats::GgufFile file = formats::open_gguf(file_);
    return static_cast<std::size_t>(file.weights.find(name)->data - file.weights.files[0]->bytes().data());
  }
  void flip(std::size_t at) {
    std::string text = text_;
    text[at] = static_cast<char>(text[at] ^ 16);
    write_file(file_, text);
  }

  TestFolder folder_;
  std::string file_ = folder_ / "q.gguf";
  std::string text_;
};

TEST_F(Damaged, AnyTensorsChangedByteIsNamed) {
  for (const char* name : {"text.blocks.0.mlp.fc1.weight", "text.wte", "text.post_ln.weight",
                           "vision.patch_emb.weight", "region.coord_features"}) {
    flip(place(name) + 1);
    expect_error([&] { engine_of(file_); }, ErrorCode::kCorrupt, {name, "checksum"});
    expect_error([&] { engine_of(file_, Mode::kF32); }, ErrorCode::kCorrupt, {name, "checksum"});
    expect_error([&] { inspect_model(file_, true); }, ErrorCode::kCorrupt, {name, "checksum"});
    EXPECT_NO_THROW(engine_of(file_, Mode::kAuto, 2, {}, true)) << name;  // not looked at
  }
  flip(place(model::kChecksums));
  expect_error([&] { engine_of(file_); }, ErrorCode::kCorrupt, {"checksum"});
}

TEST_F(Damaged, ACutFileIsRefused) {
  for (const std::size_t size : {text_.size() - 64, text_.size() / 2, std::size_t{100}}) {
    write_file(file_, text_.substr(0, size));
    EXPECT_THROW(engine_of(file_), Error) << size;
  }
}

TEST_F(Damaged, PackedWeightsThatAreNotAlignedAreRefused) {
  // The same file under a smaller alignment, and with a longer header: 32 or 64 bytes more, whichever moves
  // the data by half an alignment.
  int moved = 0;
  for (const std::size_t more : {32u, 64u}) {
    std::string text = text_;
    const std::string alignment_key = "general.alignment", name_key = "general.name";
    const std::uint32_t alignment = 32;
    std::memcpy(&text[text.find(alignment_key) + alignment_key.size() + 4], &alignment, 4);
    const std::size_t name = text.find(name_key);
    const std::uint64_t length = name_key.size() + more;
    std::memcpy(&text[name - 8], &length, 8);
    text.insert(name + name_key.size(), std::string(more, 'x'));
    write_file(file_, text);
    if (place("vision.patch_emb.weight") % 64 == 0) continue;
    ++moved;
    for (const bool mmap : {false, true}) {
      expect_error([&] { engine_of(file_, Mode::kAuto, 2, {}, mmap); }, ErrorCode::kCorrupt,
                   {"multiple of 64 bytes", "got 32 more"});
    }
  }
  EXPECT_EQ(moved, 1);
}

TEST_F(Damaged, ChecksumsOfAnotherTypeOrCountAreRefused) {
  const auto rewrite = [&](const Blob& sums) {
    const formats::GgufFile file = formats::open_gguf(folder_ / "copy.gguf");
    std::vector<Blob> list{sums};
    for (const formats::NamedTensor& tensor : file.weights.tensors) {
      if (tensor.name == model::kChecksums) continue;
      list.push_back({tensor.name,
                      tensor.view.dtype,
                      tensor.view.shape,
                      {tensor.view.data, tensor.view.data + tensor.view.bytes()}});
    }
    model::FormKeys keys;
    for (const auto& [key, value] : file.keys) {
      if (key != "general.alignment") keys.emplace_back(key, value);
    }
    formats::write_gguf(file_, keys, model::testing::to_write(list));
  };
  write_file(folder_ / "copy.gguf", text_);
  rewrite({model::kChecksums, DType::kI64, {2}, std::vector<std::byte>(16)});
  expect_error([&] { engine_of(file_); }, ErrorCode::kCorrupt, {model::kChecksums, "got 2 of i64"});
  rewrite({model::kChecksums, DType::kF32, {2}, std::vector<std::byte>(8)});
  expect_error([&] { engine_of(file_); }, ErrorCode::kCorrupt, {model::kChecksums, "got 2 of f32"});
}

// ------------------------------------------------------------------------------------------- accuracy

TEST(Accuracy, ThePictureIsTheSameEverywhere) {
  const Image a = accuracy_picture(64);
  EXPECT_EQ(a.pixels.size(), 64u * 64u * 3u);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += a.pixels[i] * (i % 251 + 1);
  EXPECT_EQ(sum, kPictureSum);
}

TEST(Accuracy, AModelAgainstItselfHasNoError) {
  const auto engine = engine_of(kStarter, Mode::kF32);
  const ModelAccuracy accuracy = measure_accuracy(record_stages(engine), engine);
  EXPECT_EQ(accuracy.top1, 1);
  EXPECT_GT(accuracy.positions, 60);
  std::size_t blocks = 0;
  for (const StageAccuracy& stage : accuracy.stages) {
    EXPECT_EQ(stage.error, 0) << stage.stage;
    EXPECT_NEAR(stage.cosine, 1, 1e-9) << stage.stage;
    blocks += stage.layer >= 0 ? 1 : 0;
  }
  const model::ModelConfig& config = engine->config();
  EXPECT_EQ(blocks, static_cast<std::size_t>(config.vision.layers + config.text.layers));
  EXPECT_EQ(accuracy.stages.size(), blocks + 4);
}

class AccuracyBars : public ::testing::TestWithParam<std::string> {
 protected:
  ModelAccuracy measured(const std::string& model, Mode mode) const {
    static std::map<std::string, StageValues> references;
    StageValues& reference = references[model];
    if (reference.empty()) reference = record_stages(engine_of(model, Mode::kF32));
    return measure_accuracy(reference, engine_of(model, mode, 2, GetParam()));
  }
};

TEST_P(AccuracyBars, HoldOnTheStarterInEveryMode) {
  for (const Mode mode : kPacked)
    EXPECT_EQ(model::missed_bars(measured(kStarter, mode)), std::vector<std::string>()) << mode_name(mode);
}

// Its text blocks enlarge whatever difference comes in (the test below): of its bars
// those before the text model say something.
TEST_P(AccuracyBars, HoldOnTheParityModelsPictureInEveryMode) {
  if (GetParam() == "scalar") GTEST_SKIP() << "minutes; the tables are compared with it kernel by kernel";
  for (const Mode mode : kPacked) {
    for (const StageAccuracy& stage : measured(kTiny, mode).stages) {
      if (stage.stage != "features" && stage.stage != "projector") continue;
      EXPECT_GT(stage.bar, 0) << stage.stage;
      EXPECT_LE(stage.error, stage.bar) << stage.stage << ", " << mode_name(mode);
    }
  }
}

/// Logits of the text of the accuracy check after a picture whose embeddings `change` was at: how much the
/// text model enlarges an error that comes in.
std::vector<float> logits_after(const std::shared_ptr<const Engine>& engine,
                                const std::function<void(std::span<float> embeddings)>& change) {
  PictureJob picture(engine, accuracy_picture(engine->config().vision.crop_size));
  while (!picture.embeddings()) picture.step();
  const vision::ImageEmbeddings& rows = picture.embeddings()->rows;
  auto changed = std::make_shared<PictureEmbeddings>();
  changed->rows.data = base::Buffer<float>(rows.data.size());
  std::copy(rows.data.begin(), rows.data.end(), changed->rows.data.begin());
  changed->rows.count = rows.count;
  changed->rows.crops = rows.crops;
  change(changed->rows.data.span());
  PictureJob prefill(engine, changed);
  run(prefill, {});
  std::vector<float> out;
  run_text(*engine, *prefill.result(),
           [&](std::string_view stage, int, const float* values, std::size_t count) {
             if (stage == "logits") out.assign(values, values + count);
           });
  return out;
}

/// Relative distance of the logits when the text model runs in f32 behind an image encoder in bf16.
double logits_error_behind_bf16(const std::string& model) {
  std::vector<float> embeddings;
  logits_after(engine_of(model, Mode::kBF16),
               [&](std::span<float> rows) { embeddings.assign(rows.begin(), rows.end()); });
  const auto engine = engine_of(model, Mode::kF32);
  const std::vector<float> want = logits_after(engine, [](std::span<float>) {});
  const std::vector<float> got = logits_after(
      engine, [&](std::span<float> rows) { std::copy(embeddings.begin(), embeddings.end(), rows.begin()); });
  double error = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - want[i], 2);
    size += std::pow(static_cast<double>(want[i]), 2);
  }
  return std::sqrt(error / size);
}

// Why the parity model's logits are under no bar: its two random text blocks enlarge the half per cent that
// bf16 may leave in the embeddings beyond bf16's bar of 2 % even where they themselves are exact. No recipe
// mends that.
TEST(Accuracy, TheParityModelsLogitsMissTheBarWithATextModelInF32) {
  EXPECT_GT(logits_error_behind_bf16(kTiny), 0.02);
  EXPECT_LT(logits_error_behind_bf16(kStarter), 0.01);
}

std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (const auto* table : kernels::runnable_kernels()) names.emplace_back(table->isa);
  return names;
}
INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, AccuracyBars, ::testing::ValuesIn(isas()),
                         [](const auto& instance) { return instance.param; });

TEST(Quantize, TheMeasuredAccuracyStandsInTheFile) {
  TestFolder folder;
  const QuantizeResult result = quantize(kStarter, folder / "q.gguf", Mode::kInt8, true);
  ASSERT_TRUE(result.accuracy);
  EXPECT_EQ(result.warnings, std::vector<std::string>());
  const ModelSummary summary = inspect_model(folder / "q.gguf", true);
  ASSERT_TRUE(summary.accuracy);
  EXPECT_EQ(model::write_accuracy(*summary.accuracy), model::write_accuracy(*result.accuracy));
  // It is that of the file itself.
  const ModelAccuracy again =
      measure_accuracy(record_stages(engine_of(kStarter, Mode::kF32)), engine_of(folder / "q.gguf"));
  EXPECT_EQ(model::write_accuracy(again), model::write_accuracy(*result.accuracy));
}

TEST(Quantize, ProgressCancelsAndLeavesNothing) {
  TestFolder folder;
  for (const bool measure : {false, true}) {
    QuantizeOptions options;
    options.measure = measure;
    int calls = 0;
    options.progress = [&](const Progress&) { return ++calls < 20; };
    expect_error([&] { quantize_model(kTiny, folder / "q.gguf", options); }, ErrorCode::kCancelled,
                 {"cancelled"});
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace moonbeam::tasks
