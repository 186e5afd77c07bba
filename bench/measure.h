// What the benchmarks share: clocks, medians, and one line of JSON per figure at the end.
#pragma once

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "base/text.h"

namespace moonbeam::bench {

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
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2], times.back()};
}

/// Prints a line for people at once, keeps one of JSON for the end.
class Report {
 public:
  /// `amount`: work of one run in units (1e9 floating-point operations, 1e9 bytes); `limit`: the most units a
  /// second.
  void add(const std::string& what, const std::string& isa, int threads, const Times& times, double amount,
           const std::string& unit, double limit) {
    const double rate = amount / times.median;
    std::printf("%-34s %-7s %d thr %9.1f %s", what.c_str(), isa.c_str(), threads, rate, unit.c_str());
    if (limit > 0) std::printf(" %5.1f %%", 100 * rate / limit);
    std::printf("   ms min %.3f median %.3f max %.3f\n", times.min * 1e3, times.median * 1e3,
                times.max * 1e3);
    std::fflush(stdout);
    std::string line = base::cat("{\"figure\":\"", what, "\",\"isa\":\"", isa, "\",\"threads\":", threads,
                                 ",\"unit\":\"", unit, "\",\"rate\":", base::format_decimal(rate, 3));
    if (limit > 0) line += base::cat(",\"ratio\":", base::format_decimal(rate / limit, 4));
    line += base::cat(",\"ms_min\":", base::format_decimal(times.min * 1e3, 4),
                      ",\"ms_median\":", base::format_decimal(times.median * 1e3, 4),
                      ",\"ms_max\":", base::format_decimal(times.max * 1e3, 4), "}");
    lines_.push_back(line);
  }
  void print_json() const {
    for (const std::string& line : lines_) std::printf("%s\n", line.c_str());
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace moonbeam::bench
