// Adapter files: what is read, under which names, and what is refused; which layers are merged.
#include "model/adapter.h"

#include <gtest/gtest.h>

#include <functional>

#include "model/adapter_testing.h"
#include "model/model.h"
#include "tensor/float16.h"

namespace moonbeam::model {
namespace {

using testing::adapter_blobs;
using testing::adapter_metadata;
using testing::Blob;
using testing::expect_error;
using testing::find;
using testing::micro_config;
using testing::TestFolder;
using testing::write_adapter;

constexpr int kRank = 3;

std::vector<Blob> good_blobs() {
  return adapter_blobs(micro_config(), kRank, 0.5f);
}

// As the makers' training writes them.
std::string published_name(std::string name) {
  const auto replace = [&](std::string_view from, std::string_view to) {
    if (const std::size_t at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
  };
  replace("text.blocks", "text_model.transformer.h");
  replace(".attn", ".mixer");
  replace(".proj", ".out_proj");
  replace(".qkv", ".Wqkv");
  name.insert(name.size() - 2, ".parametrizations.weight.0");
  return name;
}

using Change = std::function<void(std::vector<Blob>&)>;
using Metadata = std::map<std::string, std::string>;

void expect_refused(const Change& change, const Metadata& metadata, ErrorCode code,
                    std::vector<std::string> parts) {
  TestFolder folder;
  std::vector<Blob> blobs = good_blobs();
  if (change) change(blobs);
  write_adapter(folder / "a.safetensors", blobs, metadata);
  parts.push_back("a.safetensors: ");
  expect_error([&] { open_adapter(folder / "a.safetensors", micro_config()); }, code, parts);
}

TEST(Adapter, IsReadUnderOurNames) {
  TestFolder folder;
  write_adapter(folder / "a.safetensors", good_blobs(), adapter_metadata(kRank));
  const Adapter adapter = open_adapter(folder / "a.safetensors", micro_config());
  EXPECT_EQ(adapter.layers.size(), 8u);
  EXPECT_EQ(adapter.base, "m");
  EXPECT_EQ(adapter.digest.size(), 64u);
  EXPECT_FALSE(adapter.proj_from_normed);
  const AdapterFactors* qkv = adapter.find("text.blocks.1.attn.qkv.weight");
  ASSERT_TRUE(qkv);
  EXPECT_EQ(qkv->in, 64);
  EXPECT_EQ(qkv->rank, kRank);
  EXPECT_EQ(qkv->out, 192);
  std::vector<Blob> blobs = good_blobs();
  EXPECT_EQ(std::vector<float>(qkv->b.begin(), qkv->b.end()),
            testing::values_of(find(blobs, "text.blocks.1.attn.qkv.B")));
  EXPECT_TRUE(adapter.can_merge("text.blocks.1.attn.proj.weight"));
  EXPECT_FALSE(adapter.find("text.blocks.1.attn.qkv.bias"));
  EXPECT_FALSE(adapter.find("text.lm_head.weight"));
}

TEST(Adapter, OfTheMakersReadsTheBlocksInputInAttnProj) {
  TestFolder folder;
  std::vector<Blob> blobs = good_blobs();
  for (Blob& blob : blobs) blob.name = published_name(blob.name);
  EXPECT_EQ(blobs[0].name, "text_model.transformer.h.0.mixer.Wqkv.parametrizations.weight.0.A");
  write_adapter(folder / "a.safetensors", blobs, {});
  const Adapter adapter = open_adapter(folder / "a.safetensors", micro_config());
  EXPECT_EQ(adapter.layers.size(), 8u);
  EXPECT_TRUE(adapter.proj_from_normed);
  EXPECT_TRUE(adapter.find("text.blocks.0.attn.proj.weight"));
  EXPECT_FALSE(adapter.can_merge("text.blocks.0.attn.proj.weight"));
  EXPECT_TRUE(adapter.can_merge("text.blocks.0.mlp.fc2.weight"));
}

TEST(Adapter, MayBeIn16Bits) {
  TestFolder folder;
  std::vector<Blob> blobs = good_blobs();
  for (Blob& blob : blobs) {
    const tensor::DType type = blob.name.ends_with(".A") ? tensor::DType::kBF16 : tensor::DType::kF16;
    const std::vector<float> values = testing::values_of(blob);
    blob.dtype = type;
    blob.bytes.resize(values.size() * 2);
    tensor::info(type).quantize(values.data(), blob.bytes.data(), static_cast<std::int64_t>(values.size()));
  }
  write_adapter(folder / "a.safetensors", blobs, adapter_metadata(kRank));
  const Adapter adapter = open_adapter(folder / "a.safetensors", micro_config());
  const AdapterFactors& fc1 = *adapter.find("text.blocks.0.mlp.fc1.weight");
  EXPECT_EQ(std::vector<float>(fc1.a.begin(), fc1.a.end()),
            testing::values_of(find(blobs, "text.blocks.0.mlp.fc1.A")));
}

TEST(Adapter, MayLeaveOutLayersButNotBlocks) {
  TestFolder folder;
  std::vector<Blob> blobs = good_blobs();
  std::erase_if(blobs, [](const Blob& blob) { return blob.name.find("attn") != std::string::npos; });
  write_adapter(folder / "a.safetensors", blobs, {});  // without attn.proj its input need not be known
  EXPECT_EQ(open_adapter(folder / "a.safetensors", micro_config()).layers.size(), 4u);
  expect_refused(
      [](auto& list) {
        std::erase_if(list, [](const Blob& blob) { return blob.name.starts_with("text.blocks.1.mlp.fc1"); });
      },
      adapter_metadata(kRank), ErrorCode::kCorrupt,
      {"expected mlp.fc1 of all 2 text blocks", "'text.blocks.1.mlp.fc1.A' is missing", "made for 'm'"});
  expect_refused([](auto& list) { list.erase(list.begin() + 1); }, adapter_metadata(kRank),
                 ErrorCode::kCorrupt, {"'text.blocks.0.attn.qkv.B' is missing"});
}

TEST(Adapter, OfOtherSizesIsRefused) {
  const Metadata metadata = adapter_metadata(kRank);
  expect_refused(
      [](auto& list) {
        find(list, "text.blocks.0.mlp.fc1.B").shape = {48, 2 * kRank};
      },
      metadata, ErrorCode::kCorrupt, {"'text.blocks.0.mlp.fc1.B': expected [96,3], got [48,6]"});
  expect_refused(
      [](auto& list) {
        find(list, "text.blocks.0.mlp.fc1.A").shape = {2 * kRank, 32};
      },
      metadata, ErrorCode::kCorrupt, {"'text.blocks.0.mlp.fc1.A': expected [rank,64], got [6,32]"});
  expect_refused(
      [](auto& list) {
        list[0].shape = {3, 4, 16};
      },
      metadata, ErrorCode::kCorrupt, {"got [3,4,16]"});
  expect_refused(
      [](auto& list) {
        list[0] = testing::f32_blob(list[0].name, {0, 64}, {});
      },
      metadata, ErrorCode::kCorrupt, {"got [0,64]"});
  expect_refused(
      [](auto& list) {
        list.push_back(list[0]);
        list.back().name = "text.blocks.2.attn.qkv.A";
      },
      metadata, ErrorCode::kCorrupt, {"'text.blocks.2.attn.qkv.A': the model has text blocks 0 to 1"});
  expect_refused({}, adapter_metadata(kRank + 1), ErrorCode::kCorrupt,
                 {"rank: expected that of", "3, got '4'"});
}

TEST(Adapter, KeepsNothingSilent) {
  const Metadata metadata = adapter_metadata(kRank);
  for (const char* name :
       {"region.coord_encoder.weight", "text.blocks.0.attn.qkv.alpha", "vision.proj_mlp.fc2.A"}) {
    expect_refused(
        [&](auto& list) {
          list.push_back(list[0]);
          list.back().name = name;
        },
        metadata, ErrorCode::kUnsupported, {base::cat("'", name, "': expected A and B of")});
  }
  expect_refused(
      [](auto& list) {
        list.push_back(list[0]);
        list.back().name = published_name(list[0].name);
      },
      metadata, ErrorCode::kCorrupt, {"'text.blocks.0.attn.qkv' is there under two names"});
}

TEST(Adapter, ThatIsNoneIsRefused) {
  expect_refused(
      [](auto& list) {
        for (Blob& blob : list) blob.name = "base_model." + blob.name;
      },
      {}, ErrorCode::kUnsupported, {"expected an adapter with tensors like", "and 15 more"});
  expect_refused({}, {}, ErrorCode::kUnsupported,
                 {"proj_input: expected block or attn in the metadata, got none"});
  expect_refused({}, adapter_metadata(kRank, "both"), ErrorCode::kUnsupported, {"proj_input", "got 'both'"});
  expect_refused(
      [](auto& list) {
        list[0].dtype = tensor::DType::kI32;  // of the same size
      },
      adapter_metadata(kRank), ErrorCode::kUnsupported, {"expected f32, bf16 or f16, got i32"});
  expect_refused(
      [](auto& list) {
        std::vector<float> values = testing::values_of(list[0]);
        values[5] = std::nanf("");
        list[0] = testing::f32_blob(list[0].name, list[0].shape, values);
      },
      adapter_metadata(kRank), ErrorCode::kCorrupt, {"'text.blocks.0.attn.qkv.A': value 5", "got NaN"});
  TestFolder folder;
  testing::write_file(folder / "a.pt", "PK\x03\x04 and what torch.save writes");
  expect_error([&] { open_adapter(folder / "a.pt", micro_config()); }, ErrorCode::kUnsupported,
               {"a.pt: expected an adapter (.safetensors), got "});
  expect_error([&] { open_adapter(folder / "none", micro_config()); }, ErrorCode::kNotFound, {"none"});
}

TEST(Adapter, OfAnotherModelGivesAWarning) {
  Adapter adapter;
  adapter.path = "a.safetensors";
  EXPECT_EQ(base_warning(adapter, "tiny-int8", "tiny"), "");
  adapter.base = "tiny-bf16";
  EXPECT_EQ(base_warning(adapter, "tiny-int8", "tiny"), "");
  EXPECT_EQ(base_warning(adapter, "tiny", "moonbeam"), "");
  adapter.base = "models/starter/starter-bf16.gguf";
  EXPECT_EQ(base_warning(adapter, "starter", "moonbeam"), "");
  EXPECT_EQ(
      base_warning(adapter, "tiny", "moonbeam"),
      "a.safetensors: the adapter was made for 'models/starter/starter-bf16.gguf', the model is 'tiny'");
  adapter.base = "moondream2-2025-06-21";
  EXPECT_EQ(base_warning(adapter, "weights", "moondream2-2025-06-21"), "");
}

// Values of a matrix as f32, packed or not.
std::vector<float> unpacked(const ops::Linear& layer) {
  std::vector<float> out;
  for (int row = 0; row < layer.out(); ++row) {
    out.resize(out.size() + static_cast<std::size_t>(layer.in()));
    ops::embedding_row(layer.weight, row, out.data() + static_cast<std::ptrdiff_t>(row) * layer.in());
  }
  return out;
}

TEST(Adapter, IsMergedWhereWeightsArePackedAndStandsBesideThemElsewhere) {
  TestFolder folder;
  testing::write_folder(folder / "m", micro_config());
  testing::write_folder(folder / "merged", micro_config(),
                        [](auto& list) { testing::merge_plainly(list, good_blobs()); });
  for (const char* input : {"attn", "block"}) {
    SCOPED_TRACE(input);
    const std::string file = folder / "a.safetensors";
    write_adapter(file, good_blobs(), adapter_metadata(kRank, input));
    const bool from_normed = std::string_view(input) == "block";
    for (const Mode mode : {Mode::kF32, Mode::kBF16, Mode::kInt8, Mode::kInt4}) {
      SCOPED_TRACE(mode_name(mode));
      const auto model = load({.path = folder / "m", .mode = mode, .adapter = file});
      const auto merged = load({.path = folder / "merged", .mode = mode});
      EXPECT_EQ(model->adapter_digest.size(), 64u);
      EXPECT_TRUE(model->warnings.empty());
      const text::BlockWeights& block = model->text.blocks[1];
      EXPECT_EQ(block.adapter.proj_from_normed, from_normed);
      const bool packed = mode != Mode::kF32;
      EXPECT_EQ(!block.adapter.qkv, packed);
      EXPECT_EQ(!block.adapter.proj, packed && !from_normed);
      EXPECT_EQ(!block.adapter.fc1, packed);
      EXPECT_EQ(!block.adapter.fc2, packed);
      if (!packed) continue;
      const std::vector<float> got = unpacked(block.fc2), want = unpacked(merged->text.blocks[1].fc2);
      double distance = 0, norm = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        distance += std::pow(static_cast<double>(got[i]) - want[i], 2);
        norm += std::pow(static_cast<double>(want[i]), 2);
      }
      // A sum that another order of its terms rounds to the next step is rare.
      EXPECT_LT(std::sqrt(distance / norm), 1e-3);
    }
  }
}

}  // namespace
}  // namespace moonbeam::model
