// Work in a process of its own, with one system call of it failing, cut short or being its end: what a full
// or broken disk, a signal or a power cut do. By ptrace; x86-64 Linux alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moonbeam::testing {

enum class FaultKind {
  kNone,   ///< counts
  kError,  ///< the call does nothing and gives `error`
  kShort,  ///< read or write of fewer bytes than asked for
  kKill,   ///< SIGKILL instead of the call
};

struct Fault {
  FaultKind kind = FaultKind::kNone;
  int error = 0;  ///< errno
  long at = -1;   ///< which of the calls that count, from 0
};

/// Which calls count, and when counting begins.
struct Watched {
  std::vector<long> calls;     ///< numbers, SYS_write; an mmap counts only where it maps a file
  std::string from_open = {};  ///< not before a file whose name ends so is opened; empty: from the start
};

struct Traced {
  long calls = 0;    ///< that counted
  int status = -1;   ///< exit status; -1 if a signal ended it
  int signal = 0;    ///< that ended it
  std::string call;  ///< the one that was hit: "write"
};

/// Where false, a test skips itself.
bool can_trace();

/// @param work  runs in a child process, whose exit status it gives; it may replace the process (exec).
Traced run_traced(const std::function<int()>& work, const Watched& watched, const Fault& fault);

/// Calls that change files; and those that read them.
const std::vector<long>& writing_calls();
const std::vector<long>& reading_calls();

/// Which of `count` points to try: all where MOONBEAM_FAULTS=all, else some 20 of them (4 under sanitizers),
/// the first and last with them.
std::vector<long> points(long count);

}  // namespace moonbeam::testing
