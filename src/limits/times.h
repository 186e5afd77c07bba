// Clocks and the median of several runs.
#pragma once

#include <algorithm>
#include <ctime>
#include <vector>

namespace moonbeam::limits {

inline double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
/// Of this thread alone: other work on the machine does not count.
inline double thread_seconds() {
  return seconds(CLOCK_THREAD_CPUTIME_ID);
}
inline double wall_seconds() {
  return seconds(CLOCK_MONOTONIC);
}

/// Seconds of one run.
struct Times {
  double min = 0, median = 0, max = 0;
};

inline Times times_of(std::vector<double> runs) {
  std::sort(runs.begin(), runs.end());
  return {runs.front(), runs[runs.size() / 2], runs.back()};
}

/// Runs once to warm up, then `runs` times: wall time, or CPU time of this thread.
template <typename Run>
Times measure(int runs, bool wall, Run run) {
  run();
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const double start = wall ? wall_seconds() : thread_seconds();
    run();
    times.push_back((wall ? wall_seconds() : thread_seconds()) - start);
  }
  return times_of(times);
}

}  // namespace moonbeam::limits
