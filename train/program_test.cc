// moonbeam-train as a process: killed, interrupted, sliced, asked for reports.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/test_folder.h"

namespace moonbeam::train {
namespace {

using base::TestFolder;
using nlohmann::json;

pid_t start(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), MOONBEAM_TRAINER);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  if (::posix_spawn(&pid, MOONBEAM_TRAINER, nullptr, nullptr, argv.data(), environ) != 0) {
    throw std::runtime_error("cannot start " MOONBEAM_TRAINER);
  }
  return pid;
}

/// Exit status, or 1000 + the signal that ended it.
int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run(const std::vector<std::string>& arguments) {
  return wait_for(start(arguments));
}

std::vector<json> log_of(const std::string& run) {
  std::vector<json> lines;
  std::ifstream file(run + "/log.jsonl");
  for (std::string line; std::getline(file, line);) {
    json value = json::parse(line, nullptr, false);
    if (value.is_discarded()) continue;  // half written, as yet
    value.erase("pictures_per_s"), value.erase("seconds");
    lines.push_back(std::move(value));
  }
  return lines;
}

void wait_for_lines(const std::string& run, std::size_t lines) {
  for (int i = 0; i < 6000 && log_of(run).size() < lines; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

class Program : public ::testing::Test {
 protected:
  Program() {
    std::string text = base::read_file(MOONBEAM_SOURCE_DIR "/train/recipes/smoke.toml", 1 << 20);
    const std::vector<std::pair<std::string, std::string>> smaller = {
        {"../../tests", MOONBEAM_SOURCE_DIR "/tests"},
        {"steps = 50", "steps = 4"},
        {"steps = 100", "steps = 16"},
        {"validate_every = 50", "validate_every = 5"},
        {"validate_scenes = 16", "validate_scenes = 2"},
        {"checkpoint_every = 50", "checkpoint_every = 5"},
        {"sample_every = 75", "sample_every = 10"},
        {"batch = 32", "batch = 4"},
        {"scene_batch = 8", "scene_batch = 2"},
        {"batch = 8", "batch = 2"}};
    for (const auto& [from, to] : smaller) text.replace(text.find(from), from.size(), to);
    folder_.put("recipe.toml", text);
  }
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
