// What the benchmarks share: one line of JSON per figure at the end.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/text.h"
#include "limits/machine_limits.h"
#include "limits/times.h"

namespace moonbeam::bench {

using namespace limits;  // the benchmarks are about nothing else

struct Figure {
  std::string what, isa;
  int threads;
  double share;  ///< of the limit, one thread by the median of pairs, several by the fastest run; 0 if there
                 ///< is no limit
};

/// Times of one thread, and the median of the runs' shares of a peak.
struct PairedTimes {
  Times times;
  double share;
};

/// Runs once to warm up, then `runs` times in CPU time of this thread, each run of `amount` units between two
/// short ones of `peak`, the faster of which is its limit: a processor that others use as well has another
/// clock from one tenth of a second to the next.
template <typename Run>
PairedTimes measure_paired(int runs, const Peak& peak, double amount, Run run) {
  run();
  std::vector<double> times;
  std::vector<double> shares;
  double before = measure_peak(peak, 1);
  for (int i = 0; i < runs; ++i) {
    const double start = thread_seconds();
    run();
    times.push_back(thread_seconds() - start);
    const double after = measure_peak(peak, 1);
    shares.push_back(amount / times.back() / std::max(before, after));
    before = after;
  }
  return {times_of(times), times_of(shares).median};
}

/// Prints a line for people at once, keeps one of JSON for the end.
class Report {
 public:
  /// `amount`: work of one run in units (1e9 floating-point operations, 1e9 bytes); `limit`: the most units a
  /// second.
  void add(const std::string& what, const std::string& isa, int threads, const Times& times, double amount,
           const std::string& unit, double limit) {
    add(what, isa, threads, {times, limit > 0 ? amount / times.min / limit : 0}, amount, unit, limit);
  }
  void add(const std::string& what, const std::string& isa, int threads, const PairedTimes& paired,
           double amount, const std::string& unit, double limit) {
    const Times& times = paired.times;
    const double rate = amount / times.median;
    figures_.push_back({what, isa, threads, paired.share});
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
  const std::vector<Figure>& figures() const { return figures_; }
  void print_json() const {
    for (const std::string& line : lines_) std::printf("%s\n", line.c_str());
  }

 private:
  std::vector<std::string> lines_;
  std::vector<Figure> figures_;
};

}  // namespace moonbeam::bench
