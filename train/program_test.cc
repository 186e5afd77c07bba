// moonbeam-train as a process: killed, interrupted, sliced, asked for reports.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "base/file.h"
#include "base/test_folder.h"
#include "train/program_testing.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;
using nlohmann::json;
using testing::log_of;
using testing::run;
using testing::start;
using testing::wait_for;
using testing::wait_for_lines;

class Program : public ::testing::Test {
 protected:
  Program() { folder_.put("recipe.toml", testing::small_recipe()); }
  std::vector<std::string> training(const std::string& run) const {
    return {folder_ / "recipe.toml", "--out", folder_ / run, "--threads", "1", "--log-every", "1", "--quiet"};
  }
  std::vector<std::string> resuming(const std::string& run) const {
    return {"--resume", folder_ / run, "--threads", "1", "--log-every", "1", "--quiet"};
  }

  TestFolder folder_;
};

TEST_F(Program, GoesOnAfterAKillWithTheSameCurve) {
  ASSERT_EQ(run(training("whole")), 0);
  const std::vector<json> whole = log_of(folder_ / "whole");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "whole/model/model.safetensors"));

  const pid_t pid = start(training("killed"));
  wait_for_lines(folder_ / "killed", 11);
  ::kill(pid, SIGKILL);
  EXPECT_EQ(wait_for(pid), 1000 + SIGKILL);
  ASSERT_LT(log_of(folder_ / "killed").size(), whole.size()) << "it was over before it was killed";
  EXPECT_EQ(run(resuming("killed")), 0);
  EXPECT_EQ(log_of(folder_ / "killed"), whole);
}

TEST_F(Program, AnInterruptWritesACheckpointFirst) {
  const pid_t pid = start(training("run"));
  wait_for_lines(folder_ / "run", 8);
  ::kill(pid, SIGINT);
  EXPECT_EQ(wait_for(pid), 128 + SIGINT);
  const std::vector<json> before = log_of(folder_ / "run");
  std::vector<std::string> slice = resuming("run");
  slice.insert(slice.end(), {"--steps", "1"});
  EXPECT_EQ(run(slice), 0);
  const std::vector<json> after = log_of(folder_ / "run");
  ASSERT_GT(after.size(), before.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));  // no step was done again
}

TEST_F(Program, ReportsExportsAndRefuses) {
  ASSERT_EQ(run(training("run")), 0);
  EXPECT_EQ(run({"report", folder_ / "run", "--quiet"}), 0);
  const std::string page = base::read_file(folder_ / "run/report.html", 1 << 26);
  EXPECT_NE(page.find("<polyline"), std::string::npos);
  EXPECT_NE(page.find("data:image/png"), std::string::npos);
  EXPECT_EQ(run({"export", folder_ / "run", folder_ / "model", "--bf16", "--quiet"}), 0);
  EXPECT_LT(std::filesystem::file_size(folder_ / "model/model.safetensors"),
            std::filesystem::file_size(folder_ / "run/model/model.safetensors"));
  EXPECT_EQ(run(training("run")), 2);  // a run is there already
  EXPECT_EQ(run({"--resume", folder_ / "nowhere"}), 3);
  EXPECT_EQ(run({"--out", folder_ / "x"}), 2);
  folder_.put("bad.toml", "[run]\nsed = 1\n");
  EXPECT_EQ(run({folder_ / "bad.toml", "--out", folder_ / "x"}), 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x/recipe.toml"));
}

}  // namespace
}  // namespace moonbeam::train
