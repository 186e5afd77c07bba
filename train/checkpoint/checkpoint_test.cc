#include "train/checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include <moonbeam/error.h>

#include "base/file.h"
#include "base/test_folder.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;

RunState some_state() {
  return {.stage = 2,
          .stage_step = 17,
          .step = 517,
          .next_scene = 1ull << 41,
          .next_window = 99,
          .next_own = 7,
          .widened = 1,
          .stage_seconds = 12.25,
          .seconds = 1.0 / 3,
          .average_updates = 517};
}

Checkpoint some_checkpoint() {
  torch::manual_seed(5);
  return {some_state(),
          "[run]\nseed = 1\n",
          "recipes/tiny.toml",
          "{}",
          "",
          {{"text.wte", torch::randn({7, 3})}, {"steps.text.wte", torch::full({}, 3.0f)}}};
}

Checkpoint empty_like(const Checkpoint& other) {
  Checkpoint out;
  for (const auto& [name, tensor] : other.tensors) out.tensors.emplace_back(name, torch::zeros_like(tensor));
  return out;
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kCancelled;
}

TEST(Checkpoint, ComesBackBitForBit) {
  const TestFolder folder;
  const Checkpoint written = some_checkpoint();
  write_checkpoint(folder / "c.safetensors", written);
  Checkpoint read = empty_like(written);
  read_checkpoint(folder / "c.safetensors", read);
  EXPECT_EQ(read.state, written.state);
  EXPECT_EQ(read.recipe, written.recipe);
  EXPECT_EQ(read.recipe_name, written.recipe_name);
  EXPECT_EQ(read.tokenizer_json, written.tokenizer_json);
  for (std::size_t i = 0; i < written.tensors.size(); ++i) {
    EXPECT_TRUE(torch::equal(read.tensors[i].second, written.tensors[i].second)) << i;
  }
}

TEST(Checkpoint, AFullDiskLeavesTheOldOne) {
  const TestFolder folder;
  const std::string path = folder / "c.safetensors";
  const Checkpoint old = some_checkpoint();
  write_checkpoint(path, old);
  Checkpoint large = some_checkpoint();
  large.tensors[0].second = torch::ones({1000, 1000});
  // A limit on the size of files stands for the full disk: write() fails in the same place.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const ErrorCode code = code_of([&] { write_checkpoint(path, large); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(code, ErrorCode::kExhausted);
  Checkpoint read = empty_like(old);
  read_checkpoint(path, read);
  EXPECT_TRUE(torch::equal(read.tensors[0].second, old.tensors[0].second));
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++files;
  EXPECT_EQ(files, 1);
}

TEST(Checkpoint, BrokenFilesAreRefusedAndFillNothing) {
  const TestFolder folder;
  const std::string path = folder / "c.safetensors";
  const Checkpoint written = some_checkpoint();
  write_checkpoint(path, written);
  const std::string whole = base::read_file(path, 1 << 20);

  const auto refuses = [&](const std::string& bytes) {
    folder.put("bad.safetensors", bytes);
    Checkpoint read = empty_like(written);
    EXPECT_EQ(code_of([&] { read_checkpoint(folder / "bad.safetensors", read); }), ErrorCode::kCorrupt);
    EXPECT_EQ(read.tensors[0].second.abs().max().item<float>(), 0);
  };
  refuses(whole.substr(0, whole.size() - 4));
  refuses("");
  std::string not_finite = whole;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  not_finite.replace(not_finite.size() - 4, 4, reinterpret_cast<const char*>(&nan), 4);
  refuses(not_finite);
  std::string no_state = whole;
  no_state.replace(no_state.find("\"state\""), 7, "\"stale\"");
  refuses(no_state);

  Checkpoint other = empty_like(written);
  other.tensors[0].second = torch::zeros({3, 7});
  EXPECT_EQ(code_of([&] { read_checkpoint(path, other); }), ErrorCode::kCorrupt);
  other.tensors[0] = {"text.other", torch::zeros({7, 3})};
  EXPECT_EQ(code_of([&] { read_checkpoint(path, other); }), ErrorCode::kCorrupt);
}

TEST(Checkpoint, OfANewerFormIsUnsupported) {
  const TestFolder folder;
  const std::string path = folder / "c.safetensors";
  write_checkpoint(path, some_checkpoint());
  std::string bytes = base::read_file(path, 1 << 20);
  const std::string form = "\\\"form\\\":1";
  bytes.replace(bytes.find(form), form.size(), "\\\"form\\\":9");
  folder.put("new.safetensors", bytes);
  EXPECT_EQ(code_of([&] { read_checkpoint_state(folder / "new.safetensors"); }), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace moonbeam::train
