// A run on this machine: a plan, processes that work on it, and how things stand meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/pipeline/run/commit.h"

namespace moonbeam::pipeline {

/// What is under way, of all workers together.
struct RunView {
  std::int64_t pictures = 0;  ///< of the plan
  Standing standing;
  double seconds = 0;
  std::int64_t calls = 0, from_cache = 0, retries = 0, in_flight = 0, tokens = 0;
  double money = 0, gpu_seconds = 0;
  std::map<std::string, std::int64_t> failures;  ///< calls that ended without an answer, by outcome
  double picture_rate = 0, call_rate = 0;        ///< a second, over the last half minute
  double seconds_left = -1;                      ///< -1: not known yet
};

/// Looks at markers and at what workers write; each marker once.
class RunWatch {
 public:
  RunWatch(RunFolder work, const Plan& plan);
  RunView look();

 private:
  struct Sample {
    double at;
    std::int64_t pictures, calls;
  };
  void read_markers();
  void read_workers(RunView& view) const;

  const RunFolder work_;
  const Plan& plan_;
  const std::chrono::steady_clock::time_point start_;
  const std::filesystem::file_time_type began_;
  std::vector<std::pair<int, int>> open_;
  Standing standing_;
  std::vector<Sample> samples_;
};

/// "1,200/2,000 pictures  14.2/s  310 calls/s  2.1 M tokens  cost 3.20  1:05 left  3 failed (S3: timeout 3)"
std::string run_line(const RunView& view);

struct LocalEnd {
  int status = 0;      ///< the greatest of the workers' exit statuses; 128 + signal of one that was killed
  bool whole = false;  ///< every chunk is committed
};

/// Starts `command` with "--rank I" for each worker and waits for them; `tell` is called about once a second.
/// Where `stop` is set, SIGTERM goes to all of them.
/// @throws Error kNotFound (the program cannot be started).
LocalEnd run_locally(const std::vector<std::string>& command, int workers, const RunFolder& work,
                     const Plan& plan, const std::function<bool()>& stop,
                     const std::function<void(const RunView&)>& tell);

}  // namespace moonbeam::pipeline
