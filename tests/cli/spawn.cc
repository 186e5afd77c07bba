// posix_spawn with files for streams: no pipes that could fill up.
#include "tests/cli/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace moonbeam::test {

namespace {

std::string temporary_file() {
  std::string name = (std::filesystem::temp_directory_path() / "moonbeam_run_XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  if (fd < 0) throw std::runtime_error("mkstemp");
  ::close(fd);
  return name;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return (std::ostringstream() << file.rdbuf()).str();
}

std::size_t Ran::err_lines() const {
  return static_cast<std::size_t>(std::ranges::count(err, '\n'));
}

Background::Background(const std::vector<std::string>& arguments, const SpawnOptions& options) {
  home_ = (std::filesystem::temp_directory_path() / "moonbeam_home_of_tests").string();  // is not there
  own_out_ = options.out_path.empty();
  out_path_ = own_out_ ? temporary_file() : options.out_path;
  err_path_ = temporary_file();
  in_path_ = options.in_path.empty() ? "/dev/null" : options.in_path;
  if (!options.input.empty()) {
    own_in_ = true;
    in_path_ = temporary_file();
    std::ofstream(in_path_, std::ios::binary) << options.input;
  }
  std::map<std::string, std::string> env = {{"HOME", home_}, {"PATH", std::getenv("PATH")}};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "GCOV_PREFIX", "TMPDIR"}) {
    if (const char* value = std::getenv(name)) env[name] = value;
  }
  for (const auto& [name, value] : options.env) env[name] = value;
  std::vector<std::string> words = options.under, variables;
  words.emplace_back(MOONBEAM_PROGRAM);
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (const auto& [name, value] : env) variables.push_back(name + "=" + value);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in_path_.c_str(), O_RDONLY, 0);
  int pipe_ends[2] = {-1, -1};
  if (options.closed_pipe) {
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    ::posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    ::close(pipe_ends[0]);
  } else {
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_path_.c_str(), O_WRONLY | O_CREAT, 0644);
  }
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_path_.c_str(), O_WRONLY, 0);
  if (!options.folder.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  const int error = ::posix_spawnp(&pid_, words[0].c_str(), &actions, nullptr, pointers(words).data(),
                                   pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (pipe_ends[1] >= 0) ::close(pipe_ends[1]);
  if (error != 0) throw std::runtime_error("cannot start " MOONBEAM_PROGRAM);
}

Background::~Background() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    wait();
  }
}

void Background::signal(int number) const {
  ::kill(pid_, number);
}

Ran Background::wait_at_most(int seconds) {
  for (int i = 0; i < seconds * 100; ++i) {
    siginfo_t info = {};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == pid_) {
      return wait();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  signal(SIGKILL);
  return wait();
}

Ran Background::wait() {
  Ran ran;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.err = read_all(err_path_);
  if (own_out_) {
    ran.out = read_all(out_path_);
    std::filesystem::remove(out_path_);
  }
  std::filesystem::remove(err_path_);
  if (own_in_) std::filesystem::remove(in_path_);
  return ran;
}

Ran run(const std::vector<std::string>& arguments, const SpawnOptions& options) {
  return Background(arguments, options).wait();
}

bool wait_for_lines(const std::string& path, std::size_t lines) {
  for (int i = 0; i < 6000; ++i) {
    const std::string text = read_all(path);
    if (static_cast<std::size_t>(std::ranges::count(text, '\n')) >= lines) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace moonbeam::test
