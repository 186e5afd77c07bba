// Where results go: standard output, a file that appears whole or not at all, or JSON lines that grow.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "cli/answer.h"

namespace moonbeam::cli {

class Sink {
 public:
  virtual ~Sink() = default;
  /// All of `text`, through to the system. @throws Error kExhausted (disk full), BrokenPipe.
  virtual void write(std::string_view text) = 0;
  /// Makes the result stand. Without it nothing appears under a file's name.
  virtual void commit() {}
};

class StdoutSink : public Sink {
 public:
  void write(std::string_view text) override;
};

/// Writes beside `path` and renames at commit(); what killed runs left beside it is removed. What is not a
/// regular file (/dev/stdout, a pipe) is written to directly. @throws Error kNotFound (folder missing or not
/// writable), kExhausted.
class FileSink : public Sink {
 public:
  explicit FileSink(std::string path);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  void write(std::string_view text) override;
  void commit() override;

 private:
  std::string path_, temporary_;  // temporary_ is empty where path_ is written directly
  int fd_ = -1;
};

/// Appends whole lines to `path` and keeps what was there: a line that a killed run left unfinished is
/// removed. One run at a time. @throws Error kCorrupt (a line that is no JSON object), kInvalidArgument
/// (answers of another command, question or options; another run is writing), kNotFound, kExhausted.
class AppendSink : public Sink {
 public:
  /// `prompts`: the questions or objects of this run, none for captions and gazes. `options`:
  /// run_options() of this run, which every line has to agree with; empty to take any.
  AppendSink(std::string path, Task task, const std::vector<std::string>& prompts, std::string options = {});
  ~AppendSink() override;
  AppendSink(const AppendSink&) = delete;
  AppendSink& operator=(const AppendSink&) = delete;
  /// Whether a picture of this name has its line already.
  bool answered(const std::string& name) const { return answered_.contains(name); }
  std::size_t answered_count() const { return answered_.size(); }
  /// On a full disk the line is taken back, so that lines stay whole.
  void write(std::string_view text) override;

 private:
  [[noreturn]] void fail_line(std::size_t number) const;
  void read_lines(Task task, const std::vector<std::string>& prompts);
  void check_line(std::string_view line, std::size_t number, Task task,
                  const std::vector<std::string>& prompts);

  std::string path_, options_;
  int fd_ = -1;
  std::int64_t size_ = 0;  // bytes of whole lines
  std::set<std::string> answered_;
};

/// Writes all of `text` to an open file. @throws as Sink::write; `name` stands in front of the message.
void write_all(int fd, std::string_view text, const std::string& name);

}  // namespace moonbeam::cli
