// The sign of life of a download: a line that is drawn over on a terminal, now and then a line elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace moonbeam::cli {

struct PullView {
  std::string file;
  std::int64_t file_done = 0, file_size = -1;  ///< bytes; -1: not known
  std::int64_t done = 0, size = 0;             ///< of all files
  double rate = 0;                             ///< bytes a second; 0: not known yet
};

/// "model.safetensors  1.2 GB of 3.9 GB  31 %  12.3 MB/s  3:40 left"
std::string pull_line(const PullView& view);

class PullStatus {
 public:
  /// Says nothing where `quiet`.
  PullStatus(bool quiet, bool terminal) : quiet_(quiet), terminal_(terminal) {}
  ~PullStatus() { clear(); }
  PullStatus(const PullStatus&) = delete;
  PullStatus& operator=(const PullStatus&) = delete;
  /// What is known of it; the rate is added. Draws at most ten times a second, or writes a line each 10 s.
  void update(PullView view);
  /// Takes the line away, so that something else can be printed.
  void clear();

 private:
  void measure(const PullView& view, double now);
  bool quiet_, terminal_, drawn_ = false;
  double last_ms_ = -1;
  double mark_ms_ = -1, rate_ = 0;
  std::int64_t mark_done_ = 0;
  std::string mark_file_;
};

}  // namespace moonbeam::cli
