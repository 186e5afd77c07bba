// The layouts of safetensors files: 2025 with and without prefix, compiled, 2024, sharded, int4.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "model/model.h"
#include "model/testing.h"
#include "tensor/float16.h"

namespace moonbeam::model {
namespace {

using testing::Blob;
using testing::expect_error;
using testing::find;
using testing::micro_config;
using testing::TestFolder;
using testing::write_folder;

const std::string kTiny = MOONBEAM_SOURCE_DIR "/tests/goldens/tiny";

/// Every value of every tensor of the table is the same in both, whatever the files look like.
void expect_same_weights(const Source& a, const Source& b, const ModelConfig& config) {
  base::ThreadPool pool(2);
  const auto values = [&](const Source& source, const std::string& name) {
    const SourceTensor* tensor = source.find(name);
    if (!tensor) return std::vector<float>{};
    std::vector<std::byte> made;
    tensor::TensorView view = tensor->view;
    if (!view.data) {
      made.resize(static_cast<std::size_t>(view.bytes()));
      tensor->make(made.data(), pool);
      view.data = made.data();
    }
    std::vector<float> out(static_cast<std::size_t>(view.numel()));
    tensor::to_f32(view, out.data());
    return out;
  };
  for (const TensorSpec& spec : tensor_table(config)) {
    ASSERT_TRUE(a.find(spec.name)) << spec.name;
    EXPECT_EQ(a.find(spec.name)->view.shape, spec.shape) << spec.name;
    EXPECT_EQ(values(a, spec.name), values(b, spec.name)) << spec.name;
  }
}

TEST(Names, TheTableHasTheGoldensNamesShapesAndNothingElse) {
  std::ifstream file(kTiny + "/names.json");
  const nlohmann::json rows = nlohmann::json::parse(file);
  const auto table = tensor_table(synth_config("tiny"));
  ASSERT_EQ(table.size(), rows.size());
  std::map<std::string, TensorSpec> by_name;
  for (const TensorSpec& spec : table) by_name.emplace(spec.name, spec);
  for (const auto& row : rows) {
    const auto found = by_name.find(row["plain"]);
    ASSERT_NE(found, by_name.end()) << row["plain"];
    std::string old = row["checkpoint_2024"];
    const bool transposed = old.find(" (transposed") != std::string::npos;
    old = old.substr(0, old.find(" (transposed"));
    EXPECT_EQ(found->second.checkpoint_2024, old);
    EXPECT_EQ(found->second.transposed_2024, transposed) << old;
    const auto dims = row["shape"].get<std::vector<std::int64_t>>();
    EXPECT_EQ(found->second.shape, tensor::Shape{std::span<const std::int64_t>(dims)});
  }
}

TEST(Names, CountsOfThePublishedModels) {
  const auto two = tensor_table(synth_config("moondream2"));
  EXPECT_EQ(two.size(), 592u);
  EXPECT_EQ(parameter_count(two), 1927237104);
  EXPECT_EQ(parameter_count(tensor_table(synth_config("moondream-0.5b"))), 631889382);
  const auto first = tensor_table(synth_config("moondream2-2024-03-04"));
  EXPECT_EQ(first.size(), 578u);
  EXPECT_EQ(parameter_count(first), 1857482608);
  EXPECT_EQ(parameter_count(tensor_table(synth_config("moondream2-2024-05-20"))), 1866919792);
}

TEST(Names, ThePrefixIsOptionalAndCompiledNamesAreCleaned) {
  TestFolder folder;
  const ModelConfig config = micro_config();
  write_folder(folder / "hub", config);
  write_folder(folder / "plain", config, {}, [](const TensorSpec& spec) { return spec.name; });
  write_folder(folder / "compiled", config, {}, [](const TensorSpec& spec) {
    return "model." + spec.name.substr(0, spec.name.find('.')) + "._orig_mod" +
           spec.name.substr(spec.name.find('.'));
  });
  const Source hub = open_source(folder / "hub");
  EXPECT_EQ(hub.layout, "hf_2025");
  const Source plain = open_source(folder / "plain");
  EXPECT_EQ(plain.layout, "plain");
  expect_same_weights(plain, hub, config);
  expect_same_weights(open_source(folder / "compiled"), hub, config);
}

void write_2024(const std::string& folder, const ModelConfig& config,
                const std::function<void(std::vector<Blob>&)>& change = {}) {
  write_folder(
      folder, config,
      [&](std::vector<Blob>& list) {
        for (const char* name :
             {"region_model.coordinate_features.weight", "region_model.size_features.weight"}) {
          for (Blob& blob : list) {
            if (blob.name != name) continue;
            const std::vector<float> from = testing::values_of(blob);
            const std::int64_t rows = blob.shape[0], columns = blob.shape[1];
            std::vector<float> to(from.size());
            for (std::int64_t r = 0; r < rows; ++r) {
              for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
            }
            blob = testing::f32_blob(name, {columns, rows}, to);
          }
        }
        if (change) change(list);
      },
      [](const TensorSpec& spec) { return spec.checkpoint_2024; });
}

TEST(Names, TheLayoutOf2024IsReadWithItsTransposedTables) {
  TestFolder folder;
  const ModelConfig config = micro_config();
  write_folder(folder / "hub", config);
  write_2024(folder / "old", config);
  const Source old = open_source(folder / "old");
  EXPECT_EQ(old.layout, "checkpoint_2024");
  expect_same_weights(old, open_source(folder / "hub"), config);
  EXPECT_NO_THROW(load({.path = folder / "old"}));
}

TEST(Names, TheParityModelRenamedToThe2024LayoutIsTheSameModel) {
  TestFolder folder;
  const ModelConfig config = synth_config("tiny");
  write_2024(folder / "old", config);
  std::filesystem::copy_file(kTiny + "/config.json", folder / "old/config.json",
                             std::filesystem::copy_options::overwrite_existing);
  expect_same_weights(open_source(folder / "old"), open_source(kTiny), config);
}

TEST(Names, TheUnusedRegionModelOf2024IsSkippedSilently) {
  TestFolder folder;
  ModelConfig config = micro_config();
  config.region.reset();
  write_2024(folder / "old", config, [](std::vector<Blob>& list) {
    list.push_back(testing::f32_blob("region_model.position_features.weight", {4, 2}, std::vector<float>(8)));
    list.push_back(testing::f32_blob("region_model.size_features.weight", {4, 2}, std::vector<float>(8)));
  });
  const Source source = open_source(folder / "old");
  EXPECT_TRUE(source.old_region);
  EXPECT_TRUE(source.skipped.empty());
  const auto model = load({.path = folder / "old"});
  EXPECT_FALSE(model->region);
  EXPECT_FALSE(model->config.prompts.detect);
}

TEST(Names, ShardedFilesGiveTheSameModel) {
  TestFolder folder;
  const ModelConfig config = micro_config();
  write_folder(folder / "one", config);
  write_folder(folder / "many", config);
  std::filesystem::remove(folder / "many/model.safetensors");
  std::map<std::string, Blob> blobs = testing::make_blobs(config);
  std::vector<Blob> shards[2];
  nlohmann::json index;
  std::int64_t at = 0, total = 0;
  for (auto& [name, blob] : blobs) {
    blob.name = "model." + name;
    const int shard = static_cast<int>(at++ % 2);
    index["weight_map"][blob.name] = base::cat("model-0000", shard + 1, "-of-00002.safetensors");
    total += static_cast<std::int64_t>(blob.bytes.size());
    shards[shard].push_back(blob);
  }
  index["metadata"]["total_size"] = total;
  for (int i = 0; i < 2; ++i) {
    formats::write_safetensors(folder / base::cat("many/model-0000", i + 1, "-of-00002.safetensors"),
                               testing::to_write(shards[i]), {});
  }
  testing::write_file(folder / "many/model.safetensors.index.json", index.dump());
  const Source many = open_source(folder / "many");
  EXPECT_EQ(many.name, "many");
  expect_same_weights(many, open_source(folder / "one"), config);
  EXPECT_NO_THROW(load({.path = folder / "many"}));
}

/// Packs `values` as the makers do and gives what unpacking must yield, by two plain loops.
std::vector<float> pack_int4(std::vector<Blob>& list, const std::string& weight, unsigned seed) {
  const Blob original = find(list, weight);
  const std::int64_t groups = original.shape.numel() / 128;
  Blob packed{weight + ".packed",
              tensor::DType::kU8,
              {groups / 2, 128},
              std::vector<std::byte>(static_cast<std::size_t>(groups / 2 * 128))};
  for (std::byte& b : packed.bytes) b = static_cast<std::byte>((seed = seed * 1664525u + 1013904223u) >> 24);
  std::vector<float> scale(static_cast<std::size_t>(groups)), zero(scale.size());
  for (std::int64_t g = 0; g < groups; ++g) {
    scale[static_cast<std::size_t>(g)] = 0.01f + 0.001f * static_cast<float>(g % 7);
    zero[static_cast<std::size_t>(g)] = 7.3f + 0.1f * static_cast<float>(g % 5);
  }
  const auto bf16 = [](float v) { return tensor::bf16_to_f32(tensor::f32_to_bf16(v)); };
  std::vector<float> want(static_cast<std::size_t>(groups * 128));
  for (std::int64_t r = 0; r < groups; ++r) {
    for (std::int64_t c = 0; c < 128; ++c) {
      const std::int64_t row = r < groups / 2 ? r : r - groups / 2;
      const auto byte = static_cast<unsigned>(packed.bytes[static_cast<std::size_t>(row * 128 + c)]);
      const unsigned q = r < groups / 2 ? byte >> 4 : byte & 15u;
      const auto at = static_cast<std::size_t>(r);
      const float centred = bf16(static_cast<float>(q) - bf16(zero[at]));
      want[static_cast<std::size_t>(r * 128 + c)] = bf16(centred * bf16(scale[at]));
    }
  }
  std::erase_if(list, [&](const Blob& blob) { return blob.name == weight; });
  list.push_back(std::move(packed));
  list.push_back(testing::f32_blob(weight + ".scale", {groups, 1}, scale));
  list.push_back(testing::f32_blob(weight + ".zero_point", {groups, 1}, zero));
  return want;
}

TEST(Int4, UnpacksToWhatTwoPlainLoopsGive) {
  TestFolder folder;
  const ModelConfig config = micro_config();
  std::map<std::string, std::vector<float>> want;
  write_folder(folder / "packed", config, [&](std::vector<Blob>& list) {
    for (const char* name : {"text.blocks.0.attn.qkv.weight", "text.blocks.1.mlp.fc2.weight",
                             "region.size_decoder.fc1.weight", "region.coord_encoder.weight"}) {
      want[name] = pack_int4(list, std::string("model.") + name, static_cast<unsigned>(want.size() + 1));
    }
  });
  const auto model = load({.path = folder / "packed"});
  const auto values = [](const tensor::TensorView& view) {
    EXPECT_EQ(view.dtype, tensor::DType::kBF16);
    std::vector<float> out(static_cast<std::size_t>(view.numel()));
    tensor::to_f32(view, out.data());
    return out;
  };
  EXPECT_EQ(values(model->text.blocks[0].qkv.weight), want["text.blocks.0.attn.qkv.weight"]);
  EXPECT_EQ(values(model->text.blocks[1].fc2.weight), want["text.blocks.1.mlp.fc2.weight"]);
  EXPECT_EQ(values(model->region->size_fc1.weight), want["region.size_decoder.fc1.weight"]);
  EXPECT_EQ(values(model->region->coord_encoder.weight), want["region.coord_encoder.weight"]);
}

TEST(Int4, RefusesATripleThatIsIncompleteOrMisshapen) {
  TestFolder folder;
  const std::string weight = "model.text.blocks.0.attn.qkv.weight";
  const auto broken = [&](const std::function<void(std::vector<Blob>&)>& change) {
    write_folder(folder / "packed", micro_config(), [&](std::vector<Blob>& list) {
      pack_int4(list, weight, 1);
      change(list);
    });
    return [path = folder / "packed"] { open_source(path); };
  };
  expect_error(
      broken([&](auto& list) { std::erase_if(list, [&](auto& b) { return b.name == weight + ".scale"; }); }),
      ErrorCode::kCorrupt, {"text.blocks.0.attn.qkv.weight.scale' is missing"});
  expect_error(broken([&](auto& list) {
                 find(list, weight + ".zero_point") = testing::f32_blob(weight + ".zero_point", {1, 1}, {0});
               }),
               ErrorCode::kCorrupt, {"zero_point", "expected [96,1]", "got [1,1]"});
  expect_error(broken([&](auto& list) {
                 find(list, weight + ".packed").shape = {96, 64};
               }),
               ErrorCode::kCorrupt, {".packed", "expected [n,128]", "got [96,64]"});
}

TEST(Names, OtherModelsAreNamed) {
  TestFolder folder;
  const auto other = [&](const std::string& name) {
    const std::vector<Blob> list{testing::f32_blob(name, {1}, {0})};
    formats::write_safetensors(folder / "x.safetensors", testing::to_write(list), {});
    return [path = folder / "x.safetensors"] { open_source(path); };
  };
  expect_error(other("language_model.embed"), ErrorCode::kUnsupported,
               {"expected tensors of Moondream", "language_model.embed"});
  expect_error(other("text_model.transformer.h.4.tau_wq"), ErrorCode::kUnsupported, {"Moondream 3"});
}

}  // namespace
}  // namespace moonbeam::model
