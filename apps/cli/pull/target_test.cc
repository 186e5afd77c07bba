// From names to repositories and folders, and what is no name.
#include "cli/pull/target.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include "cli/pull/hub.h"

namespace moonbeam::pull {
namespace {

TEST(PullTarget, ANameAloneIsTheNewestRelease) {
  for (const char* name :
       {"", "moondream2", "moondream2@2025-06-21", "moondream2:bf16", "hf:vikhyatk/moondream2"}) {
    const Target target = parse_target(name, "", false);
    EXPECT_EQ(target.name(), "moondream2@2025-06-21") << name;
    EXPECT_EQ(target.repository, "vikhyatk/moondream2");
    EXPECT_EQ(target.hub_revision, "2025-06-21");
    EXPECT_EQ(target.tokenizer, "moondream/starmie-v1");
    EXPECT_EQ(target.licence, "Apache-2.0");
  }
}

TEST(PullTarget, ARevisionStandsInTheNameOrBesideIt) {
  EXPECT_EQ(parse_target("moondream2@2024-08-26", "", false).hub_revision, "2024-08-26");
  EXPECT_EQ(parse_target("moondream2@2024-08-26", "2025-01-09", false).hub_revision, "2025-01-09");
  EXPECT_EQ(parse_target("moondream2", "2025-01-09", false).tokenizer, "");
  EXPECT_EQ(parse_target("moondream2", "main", false).tokenizer, "moondream/starmie-v1");
  EXPECT_EQ(parse_target("hf:A/B", "V1.0", false).name(), "a--b@v1.0");
  EXPECT_EQ(parse_target("hf:A/B", "V1.0", false).hub_revision, "V1.0");
}

TEST(PullTarget, ATypeIsAnotherFolder) {
  const Target target = parse_target("moondream2:q4", "", false);
  EXPECT_EQ(target.name(), "moondream2-int4@2025-04-14");
  EXPECT_EQ(target.hub_revision, "main");
  EXPECT_EQ(parse_target("hf:maker/model:q8_0", "", false).folder, "maker--model-q8_0");
  EXPECT_EQ(parse_target("hf:maker/model:q8_0", "", false).dtype, "q8_0");
}

TEST(PullTarget, RefusesPathsAndOtherTricks) {
  for (const char* name : {"..",
                           "../x",
                           "/etc/passwd",
                           "a/b",
                           "A",
                           "a b",
                           "a%2e",
                           "a@",
                           "moondream2@..",
                           "moondream2@../x",
                           "moondream2@a/b",
                           "moondream2:..",
                           "moondream2:a/b",
                           "hf:",
                           "hf:a",
                           "hf:../a",
                           "hf:a/..",
                           "hf:a/b/c",
                           "hf:a/b@..",
                           "hf:a/b@x/y",
                           "hf:a/b:../c",
                           "-a",
                           ".a",
                           "_a",
                           "moondream2@-x",
                           "a\n",
                           "@x",
                           ":x",
                           "moondream2:",
                           "hf:a/b c"}) {
    EXPECT_THROW(parse_target(name, "", true), Error) << name;
  }
  EXPECT_THROW(parse_target(std::string(4096, 'a'), "", true), Error);
  EXPECT_THROW(parse_target(std::string("a\0b", 3), "", true), Error);
  EXPECT_THROW(parse_target("moondream2", "../x", true), Error);
}

TEST(PullTarget, NamesOfNobodyNeedAMirror) {
  EXPECT_THROW(parse_target("mine", "", false), Error);
  EXPECT_EQ(parse_target("mine", "", true).name(), "mine");
  EXPECT_EQ(parse_target("mine:int4", "v1", true).name(), "mine-int4@v1");
}

std::vector<std::string> chosen(const std::vector<std::string>& names, const std::string& dtype = "") {
  Manifest listing;
  for (const std::string& name : names) listing.files.push_back({.path = name});
  std::vector<std::string> out;
  for (const FileEntry& file : choose_files(listing, dtype).files) out.push_back(file.path);
  return out;
}

TEST(PullFiles, AreTheModelsAndNothingElse) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(chosen({"README.md", "model.safetensors", "tokenizer.json", "config.json", "merges.txt",
                    "moondream.py", "text-f16.gguf", "LICENSE"}),
            (Names{"tokenizer.json", "config.json", "LICENSE", "model.safetensors"}));
  EXPECT_EQ(chosen({"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json"}),
            (Names{"model.safetensors.index.json", "model-00001-of-00002.safetensors",
                   "model-00002-of-00002.safetensors"}));
  EXPECT_EQ(chosen({"m-text-model-f16.gguf", "m-mmproj-f16.gguf"}),
            (Names{"m-text-model-f16.gguf", "m-mmproj-f16.gguf"}));
  EXPECT_EQ(chosen({"m-Q4_0.gguf", "m-Q8_0.gguf"}, "q8_0"), (Names{"m-Q8_0.gguf"}));
  EXPECT_THROW(chosen({"m-Q4_0.gguf", "m-Q8_0.gguf"}), Error);
  EXPECT_THROW(chosen({"m-Q4_0.gguf"}, "q8_0"), Error);
  EXPECT_THROW(chosen({"config.json"}), Error);
}

}  // namespace
}  // namespace moonbeam::pull
