// Names of published models, and where what was pulled is found.
#include <gtest/gtest.h>
#include <moonbeam/weights.h>

#include <cstdlib>

#include "model/folders.h"
#include "model/testing.h"

namespace moonbeam::model {
namespace {

using testing::expect_error;
using testing::TestFolder;

TEST(Published, TheNewestReleaseComesFirstWithItsOwnTokenizer) {
  const std::vector<PublishedModel> models = published_models();
  EXPECT_EQ(models[0].name + "@" + models[0].revision, "moondream2@2025-06-21");
  EXPECT_EQ(models[0].tokenizer, "moondream/starmie-v1");
  EXPECT_EQ(models[0].bytes, 3'854'474'208);
  EXPECT_EQ(models[0].licence, "Apache-2.0");
  for (const PublishedModel& model : models) {
    EXPECT_TRUE(is_model_name(model.folder + "@" + model.revision)) << model.revision;
    if (model.revision != "2025-06-21") {
      EXPECT_EQ(model.tokenizer, "") << model.revision;
    }
  }
}

TEST(Published, NamesBecomeFolders) {
  EXPECT_EQ(folder_of_repository("vikhyatk/moondream2"), "moondream2");
  EXPECT_EQ(folder_of_repository("Someone/Moondream2"), "someone--moondream2");
  EXPECT_EQ(folder_of_type("moondream2", "q4"), "moondream2-int4");
  EXPECT_EQ(folder_of_type("moondream2", "int4"), "moondream2-int4");
  EXPECT_EQ(folder_of_type("moondream2", "bf16"), "moondream2");
  EXPECT_EQ(folder_of_type("mine", "int8"), "mine-int8");
}

class Pulled : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("MOONBEAM_CACHE", folder_.path().c_str(), 1);
    ::setenv("HF_HUB_CACHE", (folder_ / "hub").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("MOONBEAM_CACHE");
    ::unsetenv("HF_HUB_CACHE");
  }
  std::string put(const std::string& name) {
    const std::string folder = models_cache() + "/" + name;
    testing::write_file(folder + "/model.safetensors", "");
    return folder;
  }
  TestFolder folder_;
};

TEST_F(Pulled, ATypeAfterTheNameIsPartOfTheFolder) {
  const std::string plain = put("moondream2/2025-06-21"), four = put("moondream2-int4/2025-04-14");
  EXPECT_EQ(resolve_model("moondream2"), plain);
  EXPECT_EQ(resolve_model("moondream2:bf16"), plain);
  EXPECT_EQ(resolve_model("moondream2:q4"), four);
  EXPECT_EQ(resolve_model("moondream2@2025-04-14:int4"), four);
  expect_error([] { resolve_model("moondream2:int8"); }, ErrorCode::kNotFound, {"'moondream2:int8'"});
  expect_error([] { resolve_model("moondream2:"); }, ErrorCode::kNotFound, {"moondream2:"});
}

TEST_F(Pulled, ARepositoryIsFoundByItsFullName) {
  const std::string own = put("moondream2/main"), other = put("someone--thing/main");
  EXPECT_EQ(resolve_model("hf:vikhyatk/moondream2"), own);
  EXPECT_EQ(resolve_model("hf:vikhyatk/moondream2@main"), own);
  EXPECT_EQ(resolve_model("hf:Someone/Thing"), other);
  expect_error([] { resolve_model("hf:other/moondream2"); }, ErrorCode::kNotFound, {"no snapshot"});
}

TEST_F(Pulled, ADownloadThatIsNotDoneIsNoModel) {
  put("moondream2/.2025-06-21.pull");
  expect_error([] { resolve_model("moondream2"); }, ErrorCode::kNotFound, {"'moondream2'"});
}

}  // namespace
}  // namespace moonbeam::model
