// The sign of life on standard error: one line that is drawn over, on terminals only.
#pragma once

#include <moonbeam/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace moonbeam::cli {

/// What the line says.
struct StatusView {
  std::size_t done = 0, total = 1;  ///< pictures
  double seconds = 0;               ///< since the run began
  std::string name;                 ///< of the picture at hand
  Progress progress;
};

/// "encoding photo.jpg  42 %", or for many pictures "12/120  1.2 pictures/s  1:30 left  photo.jpg  encoding
/// 42 %"; at most `columns` characters.
std::string status_line(const StatusView& view, std::size_t columns);

class Status {
 public:
  /// Silent unless `enabled`.
  explicit Status(bool enabled);
  ~Status() { clear(); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  void begin_run(std::size_t pictures);
  void begin_picture(std::size_t done, const std::string& name);
  /// Draws at most ten times a second. @return carry_on(): what a ProgressFn gives back.
  bool update(const Progress& progress);
  /// Takes the line away, so that something else can be printed.
  void clear();

 private:
  void draw();
  bool enabled_;
  bool drawn_ = false;
  double start_ms_, last_ms_;  // a call of less than a tenth of a second draws nothing
  StatusView view_;
};

/// Milliseconds from a fixed point, monotonic.
double now_ms();

}  // namespace moonbeam::cli
