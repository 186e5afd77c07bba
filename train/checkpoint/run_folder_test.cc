#include "train/checkpoint/run_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include <moonbeam/error.h>

#include "base/file.h"
#include "base/test_folder.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;

TEST(RunFolder, KnowsItsCheckpointsNewestFirst) {
  const TestFolder folder;
  RunFolder run = RunFolder::create(folder / "run");
  EXPECT_THROW(RunFolder::open(folder / "run"), Error);
  for (const std::int64_t step : {500, 1000, 1500}) {
    folder.put("run/" + std::filesystem::path(run.checkpoint(step)).filename().string(), "x");
  }
  folder.put("run/checkpoint-last.safetensors", "x");
  EXPECT_EQ(run.checkpoints(),
            (std::vector<std::string>{run.checkpoint(1500), run.checkpoint(1000), run.checkpoint(500)}));
  run.remove_old(2);
  EXPECT_EQ(run.checkpoints(), (std::vector<std::string>{run.checkpoint(1500), run.checkpoint(1000)}));
  EXPECT_THROW(RunFolder::create(folder / "run"), Error);
}

TEST(RunFolder, IsBegunAgainWhereItNeverCameToACheckpointButNotOverSomebodysRecipe) {
  const TestFolder folder;
  folder.put("mine/recipe.toml", "x");
  EXPECT_THROW(RunFolder::create(folder / "mine"), Error);
  RunFolder::create(folder / "run").lock();
  folder.put("run/recipe.toml", "x");
  RunFolder again = RunFolder::create(folder / "run");
  again.lock();
  folder.put("run/" + std::filesystem::path(again.checkpoint(0)).filename().string(), "x");
  EXPECT_THROW(RunFolder::create(folder / "run"), Error);
}

TEST(RunFolder, IsTrainedByOneProcessAtATime) {
  const TestFolder folder;
  RunFolder one = RunFolder::create(folder / "run"), two = RunFolder::create(folder / "run");
  {
    RunFolder holder = std::move(one);
    holder.lock();
    EXPECT_THROW(two.lock(), Error);
  }
  RunFolder three = RunFolder::create(folder / "run");
  three.lock();
}

TEST(LineLog, GoesOnWhereTheCheckpointIs) {
  const TestFolder folder;
  const std::string path = folder / "log.jsonl";
  {
    LineLog log(path, 0);
    for (int step = 1; step <= 4; ++step) log.write("{\"step\":" + std::to_string(step) + "}");
  }
  folder.put("log.jsonl", base::read_file(path, 1 << 20) + "{\"step\":5,\"lo");
  LineLog log(path, 3);
  log.write("{\"step\":4,\"again\":true}");
  EXPECT_EQ(base::read_file(path, 1 << 20),
            "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":4,\"again\":true}\n");
}

}  // namespace
}  // namespace moonbeam::train
