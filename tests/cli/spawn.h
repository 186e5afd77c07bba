// Runs the built program as a user would: own environment, redirected streams, exit status.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace moonbeam::test {

struct SpawnOptions {
  std::string input = {};                       ///< standard input; empty: /dev/null
  std::map<std::string, std::string> env = {};  ///< added to PATH and a HOME without settings
  std::string in_path = {};                     ///< standard input comes from there, e.g. a fifo, instead
  std::string folder = {};                      ///< working directory
  std::string out_path = {};                    ///< standard output goes there instead of into Ran::out
  std::vector<std::string> under = {};          ///< what runs the program, with its options: an emulator
  bool closed_pipe = false;                     ///< standard output is a pipe that nobody reads
};

struct Ran {
  int status = -1;  ///< exit status, or 128 + the signal that killed it
  std::string out, err;
  /// Lines on standard error.
  std::size_t err_lines() const;
};

/// Waits for the end.
Ran run(const std::vector<std::string>& arguments, const SpawnOptions& options = {});

/// A run in the background, for signals.
class Background {
 public:
  explicit Background(const std::vector<std::string>& arguments, const SpawnOptions& options = {});
  ~Background();  ///< kills it if it still runs
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  void signal(int number) const;
  Ran wait();
  /// As wait(), but kills it after that time.
  Ran wait_at_most(int seconds);
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::string out_path_, err_path_, in_path_, home_;
  bool own_out_ = true, own_in_ = false;
};

std::string read_all(const std::string& path);
/// Waits until the file has `lines` lines, at most 60 s. @return whether it has.
bool wait_for_lines(const std::string& path, std::size_t lines);

}  // namespace moonbeam::test
