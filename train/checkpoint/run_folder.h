// The folder of a run: its checkpoints, its log, the model it made.
//
//   recipe.toml                     as it was given
//   checkpoint-0000500.safetensors  the last two
//   log.jsonl                       a line a step or so, appended
//   model/                          the averaged weights in the published layout, at the end
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moonbeam::train {

class RunFolder {
 public:
  /// Makes the folder for a new run, or takes one of a run that never came to its first checkpoint.
  /// @throws Error kInvalidArgument if it holds a run already, kNotFound.
  static RunFolder create(const std::string& path);
  /// @throws Error kNotFound if there is no folder or no checkpoint in it.
  static RunFolder open(const std::string& path);

  /// The folder that another process makes or opens: to name it in messages.
  static RunFolder elsewhere(const std::string& path) { return RunFolder(path); }

  ~RunFolder();
  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string checkpoint(std::int64_t step) const;

  /// Checkpoints there, newest first.
  std::vector<std::string> checkpoints() const;
  /// Removes all but the newest `keep`: call it after one was written.
  void remove_old(std::size_t keep) const;

  /// One process at a time trains a run; the lock goes with the process, however it ends.
  /// @throws Error kExhausted where another holds it.
  void lock();

 private:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
  int lock_ = -1;
};

/// Appends lines and keeps what was there, less a line that a killed process left unfinished and lines of
/// steps from `step` on, which will be made again.
class LineLog {
 public:
  LineLog(const std::string& path, std::int64_t step);
  ~LineLog();
  LineLog(const LineLog&) = delete;
  LineLog& operator=(const LineLog&) = delete;
  /// @throws Error kExhausted (disk full).
  void write(const std::string& line);

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace moonbeam::train
