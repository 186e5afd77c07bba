// Generated weights against the stored hashes, bits and checksums.
#include "model/synth.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/thread_pool.h"
#include "model/model.h"
#include "model/source.h"

namespace moonbeam::model {
namespace {

nlohmann::json golden() {
  std::ifstream file(MOONBEAM_SOURCE_DIR "/tests/goldens/weights.json");
  return nlohmann::json::parse(file);
}

std::uint64_t from_hex(const std::string& text) {
  return std::stoull(text, nullptr, 16);
}

void expect_tensor(const nlohmann::json& row, SynthProfile profile) {
  const std::string name = row["name"];
  SCOPED_TRACE(name);
  const auto dims = row["shape"].get<std::vector<std::int64_t>>();
  const tensor::Shape shape{std::span<const std::int64_t>(dims)};
  const SynthRule rule = synth_rule(name, shape, profile);
  EXPECT_EQ(rule.hash, from_hex(row["fnv1a64"]));
  EXPECT_EQ(std::bit_cast<std::uint32_t>(rule.step), from_hex(row["step_bits"]));
  for (std::size_t i = 0; i < row["t"].size(); ++i)
    EXPECT_EQ(synth_integer(rule.hash, i), row["t"][i].get<int>());
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  synth_values(rule, 0, shape.numel(), values.data());
  for (std::size_t i = 0; i < row["first8_bits"].size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), from_hex(row["first8_bits"][i])) << "value " << i;
  }
  EXPECT_EQ(std::bit_cast<std::uint32_t>(values.back()), from_hex(row["last_bits"]));
  std::uint64_t sum = 0;
  for (const float value : values) sum += std::bit_cast<std::uint32_t>(value);
  EXPECT_EQ(sum, from_hex(row["checksum"]));
}

TEST(Synth, MakesTheTinyTensorsBitByBit) {
  const nlohmann::json rows = golden()["tiny"];
  EXPECT_GE(rows.size(), 10u);
  for (const auto& row : rows) expect_tensor(row, SynthProfile::kTiny);
}

TEST(Synth, MakesTheFullTensorsBitByBit) {
  const nlohmann::json rows = golden()["full"];
  EXPECT_GE(rows.size(), 10u);
  for (const auto& row : rows) expect_tensor(row, SynthProfile::kFull);
}

TEST(Synth, GivesTheSameValuesFromAnyStart) {
  const SynthRule rule = synth_rule("text.lm_head.bias", {1024}, SynthProfile::kTiny);
  std::vector<float> whole(64), parts(64);
  synth_values(rule, 0, 64, whole.data());
  synth_values(rule, 0, 5, parts.data());
  synth_values(rule, 5, 59, parts.data() + 5);
  EXPECT_EQ(whole, parts);
}

TEST(Synth, TinyEqualsTheParityModelsFile) {
  const Source made = open_source("synth:tiny");
  const Source stored = open_source(MOONBEAM_SOURCE_DIR "/tests/goldens/tiny");
  ASSERT_EQ(made.tensors.size(), stored.tensors.size());
  base::ThreadPool pool(2);
  for (const auto& [name, tensor] : stored.tensors) {
    const SourceTensor* twin = made.find(name);
    ASSERT_TRUE(twin) << name;
    ASSERT_EQ(twin->view.shape, tensor.view.shape) << name;
    std::vector<std::byte> bytes(static_cast<std::size_t>(twin->view.bytes()));
    twin->make(bytes.data(), pool);
    EXPECT_EQ(std::memcmp(bytes.data(), tensor.view.data, bytes.size()), 0) << name;
  }
}

TEST(Synth, LoadsInEveryPlainType) {
  for (const char* type : {"f32", "bf16", "f16"}) {
    const auto model = load({.path = std::string("synth:tiny:") + type});
    EXPECT_EQ(model->dtype, type);
    EXPECT_EQ(model->config.prompts.query->prefix[1], 304);
  }
}

TEST(Synth, RefusesUnknownVariantsAndTypes) {
  for (const char* spec : {"synth:none", "synth:tiny:q8_0", "synth:tiny:", "synth:"}) {
    try {
      open_source(spec);
      FAIL() << spec;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << spec;
    }
  }
}

TEST(Synth, TokenizerNamesEveryIdAndAnswersTheProbes) {
  for (const std::string name : {"tiny", "moondream2", "moondream-0.5b", "moondream2-2024-03-04"}) {
    const ModelConfig config = synth_config(name);
    const formats::TokenizerData data = synth_tokenizer(config);
    ASSERT_EQ(data.tokens.size(), static_cast<std::size_t>(config.text.vocab_size)) << name;
    for (const std::string& token : data.tokens) EXPECT_FALSE(token.empty());
  }
  EXPECT_EQ(synth_tokenizer(synth_config("moondream2")).tokens[15381], "query");
  const auto phi = synth_tokenizer(synth_config("moondream-0.5b"));
  EXPECT_EQ(phi.tokens[198], "\u010a");
  EXPECT_EQ(phi.tokens[25], ":");
  EXPECT_EQ(phi.tokens[24361], "Question");
}

}  // namespace
}  // namespace moonbeam::model
