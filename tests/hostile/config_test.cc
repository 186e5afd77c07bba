// Seeded mutants of config.json and of a sharded folder's index: an Error in one line that names the file, or
// something that is well-formed. MOONBEAM_MUTANTS sets their number.
#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include "base/error.h"
#include "base/file.h"
#include "base/test_folder.h"
#include "formats/safetensors.h"
#include "hostile/judge.h"
#include "model/config.h"
#include "model/variants.h"

namespace moonbeam {
namespace {

using testing::judge_mutants;
using testing::kHostileName;
using testing::mutants;
using testing::Tally;

// ------------------------------------------------------------------------------- config.json

// As the loader does: validate() says which key, the caller says which file.
void validate(const model::ModelConfig& config) {
  try {
    config.validate();
  } catch (const Error& error) {
    base::fail(error.code(), kHostileName, ": ", error.what());
  }
}

// What was accepted can also be written, is valid again and the same.
void read_config(std::string_view file) {
  const model::ModelConfig& base = model::variants().back().config;
  const model::ModelConfig config = model::parse_config_json(file, base, kHostileName);
  validate(config);
  EXPECT_GT(config.vision.image_tokens(), 0);
  EXPECT_GT(config.text.max_context, config.vision.image_tokens());
  const std::string written = model::write_config_json(config);
  const model::ModelConfig again = model::parse_config_json(written, base, kHostileName);
  EXPECT_NO_THROW(again.validate());
  EXPECT_EQ(model::write_config_json(again), written);
}

class HostileConfig : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileConfig, SeededMutantsAreClean) {
  const std::string file =
      base::read_file(std::string(MOONBEAM_SOURCE_DIR "/tests/") + GetParam(), std::size_t{1} << 20);
  ASSERT_NO_THROW(read_config(file));
  const Tally tally = judge_mutants(file, mutants(20'000), read_config);
  EXPECT_GT(tally.refused, tally.total() / 2);
  EXPECT_GT(tally.accepted, tally.total() / 100);
  EXPECT_LT(tally.slowest_ms, 100);
  EXPECT_LE(tally.largest, 1u << 20);
}

INSTANTIATE_TEST_SUITE_P(Files, HostileConfig,
                         ::testing::Values("data/starter/config.json", "goldens/tiny/config.json"),
                         [](const auto& p) {
                           return std::string(p.param).starts_with("data") ? "starter" : "tiny";
                         });

// ------------------------------------------------------------------------------- the index of shards

void write_shard(const std::string& path, const char* name) {
  const formats::TensorToWrite tensor{name, tensor::DType::kF32, tensor::Shape{4}, [](const auto& sink) {
                                        const std::byte zeros[16] = {};
                                        sink(zeros);
                                      }};
  formats::write_safetensors(path, {&tensor, 1}, {});
}

TEST(HostileShardIndex, SeededMutantsAreClean) {
  const base::TestFolder folder;
  write_shard(folder / "model-00001-of-00002.safetensors", "model.text.wte");
  write_shard(folder / "model-00002-of-00002.safetensors", "model.vision.pos_emb");
  const std::string path = folder / "model.safetensors.index.json";
  const std::string index = R"({"metadata": {"total_size": 32, "format": "pt"}, "weight_map": {
    "model.text.wte": "model-00001-of-00002.safetensors",
    "model.vision.pos_emb": "model-00002-of-00002.safetensors"}})";
  const auto read = [&](std::string_view file) {
    folder.put("model.safetensors.index.json", std::string(file));
    const formats::WeightFile weights = formats::open_sharded_safetensors(path);
    EXPECT_LE(weights.tensors.size(), 2u);
    for (const auto& tensor : weights.tensors) EXPECT_EQ(tensor.view.bytes(), 16);
  };
  ASSERT_NO_THROW(read(index));
  const Tally tally = judge_mutants(index, mutants(20'000) / 4, read, folder.path(), true);
  EXPECT_GT(tally.refused, tally.total() / 2);
  EXPECT_GT(tally.accepted, tally.total() / 100);
  EXPECT_LT(tally.slowest_ms, 100);
  EXPECT_LE(tally.largest, 1u << 20);
}

}  // namespace
}  // namespace moonbeam
