// Models in a made-up cache of Hugging Face's tools.
#include "model/hub_cache.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "model/folders.h"
#include "model/testing.h"

namespace moonbeam::model {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TestFolder;
using testing::write_file;

const std::string kOld(40, 'a'), kMain(40, 'b'), kEmpty(40, 'c');

/// The tools' layout: snapshots hold links to blobs.
class HubCache : public ::testing::Test {
 protected:
  HubCache() {
    ::setenv("HF_HUB_CACHE", hub().c_str(), 1);
    ::setenv("MOONBEAM_MODELS", (folder_ / "none").c_str(), 1);
    snapshot("models--vikhyatk--moondream2", kOld, "model.safetensors");
    snapshot("models--vikhyatk--moondream2", kMain, "model.safetensors");
    snapshot("models--vikhyatk--moondream2", kEmpty, "config.json");
    write_file(hub() + "/models--vikhyatk--moondream2/refs/main", kMain + "\n");
    write_file(hub() + "/models--vikhyatk--moondream2/refs/2025-01-09", kOld);
    write_file(hub() + "/models--vikhyatk--moondream2/refs/half", kEmpty);
  }
  ~HubCache() override {
    ::unsetenv("HF_HUB_CACHE");
    ::unsetenv("MOONBEAM_MODELS");
  }

  std::string hub() const { return folder_ / "hub"; }
  std::string snapshot_path(const std::string& repository, const std::string& commit) const {
    return hub() + "/" + repository + "/snapshots/" + commit;
  }
  void snapshot(const std::string& repository, const std::string& commit, const std::string& file) const {
    write_file(hub() + "/" + repository + "/blobs/" + commit, "");
    const fs::path path = snapshot_path(repository, commit);
    fs::create_directories(path);
    fs::create_symlink("../../blobs/" + commit, path / file);
  }
  std::string moondream2(const std::string& commit) const {
    return snapshot_path("models--vikhyatk--moondream2", commit);
  }

  TestFolder folder_;
};

TEST_F(HubCache, ANameIsTheSnapshotOfMainWhoeverOwnsIt) {
  EXPECT_EQ(resolve_model("moondream2"), moondream2(kMain));
  EXPECT_EQ(resolve_model("hf:vikhyatk/moondream2"), moondream2(kMain));
  snapshot("models--Some-One--Tiny_Model", kOld, "model.gguf");
  EXPECT_EQ(resolve_model("tiny_model"), snapshot_path("models--Some-One--Tiny_Model", kOld));
  EXPECT_EQ(resolve_model("hf:Some-One/Tiny_Model"), snapshot_path("models--Some-One--Tiny_Model", kOld));
}

TEST_F(HubCache, ARevisionIsABranchATagOrACommit) {
  for (const std::string name : {"moondream2", "hf:vikhyatk/moondream2"}) {
    EXPECT_EQ(resolve_model(name + "@2025-01-09"), moondream2(kOld));
    EXPECT_EQ(resolve_model(name + "@main"), moondream2(kMain));
    EXPECT_EQ(resolve_model(name + "@" + kOld), moondream2(kOld));
  }
}

TEST_F(HubCache, WithoutMainTheSnapshotWrittenLastIsTaken) {
  fs::remove(hub() + "/models--vikhyatk--moondream2/refs/main");
  fs::last_write_time(moondream2(kMain), fs::file_time_type::clock::now() - std::chrono::hours(1));
  fs::last_write_time(moondream2(kOld), fs::file_time_type::clock::now());
  EXPECT_EQ(resolve_model("moondream2"), moondream2(kOld));
  fs::last_write_time(moondream2(kOld), fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(resolve_model("moondream2"), moondream2(kMain));
}

TEST_F(HubCache, ASnapshotWithoutWeightsIsNone) {
  expect_error([] { resolve_model("moondream2@half"); }, ErrorCode::kNotFound, {"moondream2@half", hub()});
  expect_error([] { resolve_model("hf:vikhyatk/moondream2@half"); }, ErrorCode::kNotFound,
               {"no snapshot of it with weights", hub()});
  fs::remove(hub() + "/models--vikhyatk--moondream2/blobs/" + kMain);  // the link leads nowhere
  fs::remove(hub() + "/models--vikhyatk--moondream2/blobs/" + kOld);
  expect_error([] { resolve_model("moondream2"); }, ErrorCode::kNotFound, {"'moondream2'"});
}

TEST_F(HubCache, ANameOfTwoOwnersMustBeNamedInFull) {
  snapshot("models--someone--moondream2", kOld, "model.safetensors");
  expect_error([] { resolve_model("moondream2"); }, ErrorCode::kInvalidArgument,
               {"hf:someone/moondream2 and hf:vikhyatk/moondream2"});
  EXPECT_EQ(resolve_model("hf:vikhyatk/moondream2"), moondream2(kMain));
}

TEST_F(HubCache, OurOwnFoldersComeFirst) {
  write_file(folder_ / "none/moondream2.gguf", "");
  EXPECT_EQ(resolve_model("moondream2"), folder_ / "none/moondream2.gguf");
}

TEST_F(HubCache, NothingLeadsOutOfIt) {
  write_file(hub() + "/models--vikhyatk--moondream2/refs/out", "../../../../elsewhere");
  write_file(folder_ / "elsewhere/model.safetensors", "");
  expect_error([] { resolve_model("moondream2@out"); }, ErrorCode::kNotFound, {"moondream2@out"});
  for (const char* name : {"hf:", "hf:moondream2", "hf:../moondream2", "hf:vikhyatk/..", "hf:a/b/c",
                           "hf:vikhyatk/moondream2@", "hf:vikhyatk/moondream2@..", "hf:a b/c"}) {
    expect_error([&] { resolve_model(name); }, ErrorCode::kInvalidArgument, {"expected hf:OWNER/NAME"});
  }
}

TEST(HubCacheFolder, FollowsTheToolsOwnVariables) {
  EXPECT_EQ(hub_cache_for({"/c", "/h", "/x", "/home/me"}), "/c");
  EXPECT_EQ(hub_cache_for({"", "/h", "/x", "/home/me"}), "/h/hub");
  EXPECT_EQ(hub_cache_for({"", "", "/x", "/home/me"}), "/x/huggingface/hub");
  EXPECT_EQ(hub_cache_for({"", "", "", "/home/me"}), "/home/me/.cache/huggingface/hub");
  EXPECT_EQ(hub_cache_for({}), "");
}

TEST(HubCacheFolder, ASnapshotBearsTheNameOfItsRepository) {
  EXPECT_EQ(name_of_snapshot("/c/models--vikhyatk--moondream2/snapshots/abc"), "moondream2");
  EXPECT_EQ(name_of_snapshot("/c/models--vikhyatk--moondream2/snapshots/abc/"), "moondream2");
  EXPECT_EQ(name_of_snapshot("/c/models--gpt2/snapshots/abc"), "gpt2");
  EXPECT_EQ(name_of_snapshot("/c/moondream2/abc"), "");
  EXPECT_EQ(name_of_snapshot("/c/moondream2/snapshots/abc"), "");
}

}  // namespace
}  // namespace moonbeam::model
