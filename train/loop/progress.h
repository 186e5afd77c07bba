// What people see of a run: a line that is drawn over on a terminal, or one every half minute.
#pragma once

#include <cstdint>
#include <string>

#include "train/loop/validation.h"

namespace moonbeam::train {

struct ProgressView {
  std::string stage;
  std::int64_t step = 0;
  double progress = 0;    ///< of the stage
  double per_second = 0;  ///< pictures
  const char* unit = "scenes";
  double seconds_left = -1;  ///< of the stage; < 0: not known
  Measures measures;         ///< of the last steps
};

/// "answer 12 %  step 840  loss 2.31 (text 1.20, ...)  patches 71 %  24.1 scenes/s  41:10 left"
std::string progress_line(const ProgressView& view);

class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(const ProgressView& view);
  /// A line that stays.
  void say(const std::string& line);
  void clear();

 private:
  bool quiet_, terminal_, drawn_ = false;
  double last_ = -1e9;
};

double monotonic_seconds();

}  // namespace moonbeam::train
