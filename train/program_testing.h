// moonbeam-train as a process, for tests: started, waited for, its log read; and a recipe that takes seconds.
// MOONBEAM_TRAINER is its path, or that of moonbeam, whose verb it is.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "train/testing.h"

namespace moonbeam::train::testing {

using Variables = std::map<std::string, std::string>;

/// @param variables  stand in the environment beside those of the test
/// @param errors     file that standard error goes to; empty: the test's own
inline pid_t start(std::vector<std::string> arguments, const Variables& variables = {},
                   const std::string& errors = {}) {
  arguments.insert(arguments.begin(), MOONBEAM_TRAINER);
  std::vector<char*> argv, environment;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
  for (std::string& line : lines) environment.push_back(line.data());
  for (char** own = environ; *own != nullptr; ++own) environment.push_back(*own);
  argv.push_back(nullptr), environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (!errors.empty()) {
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                       0666);
  }
  pid_t pid = -1;
  const int failed =
      ::posix_spawn(&pid, MOONBEAM_TRAINER, &actions, nullptr, argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " MOONBEAM_TRAINER);
  return pid;
}

/// Exit status, or 1000 + the signal that ended it.
inline int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

inline int run(const std::vector<std::string>& arguments) {
  return wait_for(start(arguments));
}

inline void wait_for_lines(const std::string& run, std::size_t lines) {
  for (int i = 0; i < 6000 && log_of(run).size() < lines; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// smoke.toml with fewer and smaller steps: 4 of windows, then 16 of scenes.
inline std::string small_recipe() {
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
  for (const auto& [from, to] : smaller) text = replaced(text, from, to);
  return text;
}

}  // namespace moonbeam::train::testing
