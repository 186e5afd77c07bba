// Names to paths.
#include "model/folders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "model/testing.h"

namespace moonbeam::model {
namespace {

using testing::expect_error;
using testing::TestFolder;

/// Sets MOONBEAM_MODELS for one test.
class ModelsFolder {
 public:
  explicit ModelsFolder(const std::string& value) { ::setenv("MOONBEAM_MODELS", value.c_str(), 1); }
  ModelsFolder(const ModelsFolder&) = delete;
  ModelsFolder& operator=(const ModelsFolder&) = delete;
  ~ModelsFolder() { ::unsetenv("MOONBEAM_MODELS"); }
};

TEST(Folders, ComeInOrderOfWhoSaysThem) {
  const auto folders = model_folders_for({.moonbeam_models = "/a:/b/",
                                          .moonbeam_cache = "/cache",
                                          .xdg_cache_home = "/xdg",
                                          .home = "/home/me",
                                          .executable = "/usr/bin/moonbeam"});
  ASSERT_GE(folders.size(), 4u);
  EXPECT_EQ(folders[0], "/a");
  EXPECT_EQ(folders[1], "/b/");
  EXPECT_EQ(folders[2], "/cache/models");
  EXPECT_EQ(folders[3], "/usr/share/moonbeam/models");
}

TEST(Folders, TheCacheFallsBackToXdgAndHome) {
  EXPECT_EQ(model_folders_for({.moonbeam_models = {},
                               .moonbeam_cache = {},
                               .xdg_cache_home = "/xdg",
                               .home = "/h",
                               .executable = {}})[0],
            "/xdg/moonbeam/models");
  EXPECT_EQ(model_folders_for({.moonbeam_models = {},
                               .moonbeam_cache = {},
                               .xdg_cache_home = {},
                               .home = "/h",
                               .executable = {}})[0],
            "/h/.cache/moonbeam/models");
}

TEST(Folders, NamesAreShortPlainWords) {
  for (const char* name : {"moondream2", "tiny-bf16", "a", "moondream2@2025-06-21", "0.5b"})
    EXPECT_TRUE(is_model_name(name)) << name;
  for (const char* name : {"", "-a", ".a", "A", "a/b", "..", "a@", "@a", "a b", "a@b@c", "a\n"})
    EXPECT_FALSE(is_model_name(name)) << name;
  EXPECT_TRUE(is_model_name(std::string(64, 'a')));
  EXPECT_FALSE(is_model_name(std::string(65, 'a')));
}

TEST(Folders, ANameIsAFolderAFileOrARevision) {
  TestFolder folder;
  const ModelsFolder models(folder.path());
  testing::write_file(folder / "one.gguf", "");
  testing::write_file(folder / "two/model.safetensors", "");
  testing::write_file(folder / "three/2025-01-09/model.safetensors", "");
  testing::write_file(folder / "three/2025-06-21/model.safetensors", "");
  EXPECT_EQ(resolve_model("one"), folder / "one.gguf");
  EXPECT_EQ(resolve_model("two"), folder / "two");
  EXPECT_EQ(resolve_model("three"), folder / "three/2025-06-21");
  EXPECT_EQ(resolve_model("three@2025-01-09"), folder / "three/2025-01-09");
  EXPECT_EQ(resolve_model(folder / "one.gguf"), folder / "one.gguf");
  EXPECT_EQ(resolve_model("synth:tiny"), "synth:tiny");
  expect_error([] { resolve_model("three@2024"); }, ErrorCode::kNotFound, {"three@2024"});
  expect_error([&] { resolve_model("four"); }, ErrorCode::kNotFound,
               {"'four'", "no model of that name", folder.path()});
  expect_error([] { resolve_model("No Such/File"); }, ErrorCode::kNotFound,
               {"No Such/File: no such file or folder"});
}

TEST(Folders, TheDefaultIsTheShippedModelOfTheFirstFolderThatHasOne) {
  TestFolder folder;
  testing::write_file(folder / "a/starter/starter-bf16.gguf", "");
  testing::write_file(folder / "b/tiny/tiny-bf16.gguf", "");
  {
    const ModelsFolder models(folder / "a" + ":" + (folder / "b"));
    EXPECT_EQ(default_model(), folder / "a/starter");
  }
  const ModelsFolder models(folder / "b");
  EXPECT_EQ(default_model(), folder / "b/tiny");
}

}  // namespace
}  // namespace moonbeam::model
