#include "cli/inputs.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <filesystem>

#include "cli/test_folder.h"

namespace moonbeam::cli {
namespace {

TEST(Inputs, KnowFilesByWhatTheyAreNotByName) {
  const TestFolder folder;
  Inputs inputs;
  inputs.add(folder.put("a.png"));
  inputs.add(folder.path("missing.png"));
  inputs.add("/dev/null");
  std::filesystem::create_symlink(folder.path("a.png"), folder.path("soft.png"));
  std::filesystem::create_hard_link(folder.path("a.png"), folder.path("hard.png"));
  for (const char* same : {"a.png", "./a.png", "soft.png", "hard.png"}) {
    EXPECT_TRUE(inputs.contains(folder.path(same))) << same;
    EXPECT_THROW(inputs.protect("-o", folder.path(same)), Error) << same;
  }
  folder.put("b.png");
  for (const char* other : {"b.png", "missing.png", "new.png"}) {
    EXPECT_FALSE(inputs.contains(folder.path(other))) << other;
  }
  EXPECT_FALSE(inputs.contains("/dev/null"));
}

TEST(Inputs, CountEveryFileOfAFolder) {
  const TestFolder folder;
  folder.put("model/model.safetensors"), folder.put("model/config.json"), folder.put("else");
  Inputs inputs;
  inputs.add(folder.path("model"));
  EXPECT_TRUE(inputs.contains(folder.path("model/model.safetensors")));
  EXPECT_TRUE(inputs.contains(folder.path("model/config.json")));
  EXPECT_FALSE(inputs.contains(folder.path("else")));
}

}  // namespace
}  // namespace moonbeam::cli
