// Which row a file gets, and the tokenizer traps, on sources whose tensors have only shapes.
#include "model/detect.h"

#include <gtest/gtest.h>

#include "model/testing.h"

namespace moonbeam::model {
namespace {

using testing::expect_error;
using testing::TestFolder;

/// A source with the shapes of `config` and no values: enough for identify().
Source shapes_of(const ModelConfig& config, const std::string& folder) {
  Source source;
  source.path = folder;
  source.folder = folder;
  for (const TensorSpec& spec : tensor_table(config)) {
    source.tensors.emplace(spec.name,
                           SourceTensor{spec.name, {nullptr, tensor::DType::kBF16, spec.shape}, {}});
  }
  return source;
}

Source shapes_of(const std::string& row, const std::string& folder, const std::string& tokenizer_of = "") {
  Source source = shapes_of(variant(row).config, folder);
  if (!tokenizer_of.empty()) source.tokenizer = synth_tokenizer(variant(tokenizer_of).config);
  return source;
}

constexpr char kPhi[] = "moondream-0.5b";
constexpr char kStarmie[] = "moondream2-2025-06-21";

TEST(Detect, ShapesTellTheReleases) {
  TestFolder folder;
  const auto found = [&](const char* row, const char* tokenizer) {
    return identify(shapes_of(row, folder.path(), tokenizer), {}).variant_name;
  };
  EXPECT_EQ(found("moondream2-2025-06-21", kStarmie), "moondream2-2025-06-21");
  EXPECT_EQ(found("moondream-0.5b", kPhi), "moondream-0.5b");
  EXPECT_EQ(found("moondream2-2024-05-20", kPhi), "moondream2-2024-07-23");
  EXPECT_EQ(found("moondream2-2024-03-04", kPhi), "moondream2-2024-05-08");
  Source august = shapes_of("moondream2-2024-08-26", folder.path(), kPhi);
  august.old_region = true;
  EXPECT_EQ(identify(august, {}).variant_name, "moondream2-2024-08-26");
}

TEST(Detect, TheStaleTokenizerOfTheHubsFolderIsRefusedWithBothWaysOut) {
  TestFolder folder;
  const Source source = shapes_of(kStarmie, folder.path(), kPhi);
  expect_error(
      [&] { identify(source, {}); }, ErrorCode::kUnsupported,
      {"starmie-v1's tokenizer.json", folder / "starmie-v1/tokenizer.json", "moondream2-2025-04-14"});
  expect_error([&] { identify(source, {.variant = kStarmie, .tokenizer_path = {}}); },
               ErrorCode::kUnsupported,
               {"needs starmie-v1 tokenizer", "token 15381 is 'query'",
                "put that one at " + (folder / "starmie-v1/tokenizer.json")});
  EXPECT_EQ(identify(source, {.variant = "moondream2-2025-01-09", .tokenizer_path = {}})
                .config.prompts.question_space,
            "");
}

TEST(Detect, TheRightTokenizerIsTakenFromBesideTheStaleOne) {
  TestFolder folder;
  testing::write_file(folder / "starmie-v1/tokenizer.json",
                      formats::write_tokenizer_json(synth_tokenizer(variant(kStarmie).config)));
  const Identified found = identify(shapes_of(kStarmie, folder.path(), kPhi), {});
  EXPECT_EQ(found.variant_name, kStarmie);
  EXPECT_EQ(found.tokenizer.tokens[15381], "query");
  const Identified named =
      identify(shapes_of(kStarmie, folder / "none", kPhi),
               {.variant = kStarmie, .tokenizer_path = folder / "starmie-v1/tokenizer.json"});
  EXPECT_EQ(named.tokenizer.tokens[15381], "query");
}

TEST(Detect, TheMakersCodeOrADateInThePathTellTheReleasesOf2025Apart) {
  TestFolder folder;
  const std::string dated = folder / "moondream2-2025-01-09";
  EXPECT_EQ(identify(shapes_of(kStarmie, dated, kPhi), {}).variant_name, "moondream2-2025-01-09");
  testing::write_file(folder / "a/config.py",
                      "query: [198, 198, 24361, 25], long: [198, 198, 14617, 8305, 25]");
  EXPECT_EQ(identify(shapes_of(kStarmie, folder / "a", kPhi), {}).variant_name, "moondream2-2025-04-14");
  testing::write_file(folder / "b/config.py", "query: [198, 198, 24361, 25]");
  EXPECT_EQ(identify(shapes_of(kStarmie, folder / "b", kPhi), {}).variant_name, "moondream2-2025-01-09");
  testing::write_file(folder / "c/moondream.py", "Tokenizer.from_pretrained('moondream/starmie-v1')");
  expect_error([&] { identify(shapes_of(kStarmie, folder / "c", kPhi), {}); }, ErrorCode::kUnsupported,
               {"needs starmie-v1"});
}

TEST(Detect, TemplatesInTheConfigurationDecide) {
  TestFolder folder;
  Source source = shapes_of(kStarmie, folder.path(), kPhi);
  source.config_name = "config.json";
  source.config_text =
      R"({"tokenizer": {"bos_id": 50256, "templates": {"query": {"prefix": [198, 198, 24361, 25]},
                           "caption": {"long": null}}}})";
  const Identified found = identify(source, {});
  EXPECT_EQ(found.variant_name, "moondream2-2025-01-09");
  EXPECT_EQ(found.config.prompts.bos, 50256);
  EXPECT_EQ(found.config.prompts.query_suffix_count, 1);
}

TEST(Detect, TheHubsOldConfigurationIsNotedAndOtherwiseIgnored) {
  TestFolder folder;
  Source source = shapes_of("moondream2-2024-05-20", folder.path(), kPhi);
  source.config_name = "config.json";
  source.config_text =
      R"({"architectures": ["Moondream"], "model_type": "moondream1", "text_config": {"model_type": "phi"}})";
  const Identified found = identify(source, {});
  EXPECT_EQ(found.variant_name, "moondream2-2024-07-23");
  ASSERT_EQ(found.config.notes.size(), 1u);
  EXPECT_NE(found.config.notes[0].find("architectures, model_type, text_config"), std::string::npos);
}

TEST(Detect, WhatIsMissingIsNamedWithItsPlace) {
  TestFolder folder;
  expect_error([&] { identify(shapes_of(kPhi, folder.path()), {}); }, ErrorCode::kNotFound,
               {"no tokenizer", folder / "tokenizer.json", "CodeGen (Phi)"});
  Source small = shapes_of(testing::micro_config(), folder.path());
  small.tokenizer = synth_tokenizer(testing::micro_config());
  expect_error([&] { identify(small, {}); }, ErrorCode::kNotFound,
               {"no published release", folder / "config.json"});
  expect_error([&] { identify(small, {.variant = "what", .tokenizer_path = {}}); },
               ErrorCode::kInvalidArgument, {"what"});
}

TEST(Detect, AVocabularyLargerThanTheTableIsRefused) {
  TestFolder folder;
  Source source = shapes_of(testing::micro_config(), folder.path());
  source.config_name = "config.json";
  source.config_text = write_config_json(testing::micro_config());
  source.tokenizer = synth_tokenizer(synth_config("tiny"));
  expect_error([&] { identify(source, {}); }, ErrorCode::kCorrupt, {"expected ids below 512", "got 1023"});
}

TEST(Detect, RegionHeadsAreOffWhereTheFileHasNone) {
  TestFolder folder;
  ModelConfig config = testing::micro_config();
  const std::string text = write_config_json(config);
  config.region.reset();
  Source source = shapes_of(config, folder.path());
  source.config_name = "config.json";
  source.config_text = text;
  source.tokenizer = synth_tokenizer(config);
  const Identified found = identify(source, {});
  EXPECT_FALSE(found.config.region);
  EXPECT_FALSE(found.config.prompts.point);
  EXPECT_TRUE(found.config.prompts.query);
}

}  // namespace
}  // namespace moonbeam::model
