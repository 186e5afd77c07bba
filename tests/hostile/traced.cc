#include "hostile/traced.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <utility>

namespace moonbeam::testing {

#if defined(__x86_64__)

namespace {

struct Name {
  long number;
  const char* name;
};
constexpr Name kWriting[] = {
    {SYS_openat, "openat"},     {SYS_open, "open"},     {SYS_write, "write"},         {SYS_writev, "writev"},
    {SYS_pwrite64, "pwrite64"}, {SYS_fsync, "fsync"},   {SYS_fdatasync, "fdatasync"}, {SYS_rename, "rename"},
    {SYS_renameat, "renameat"}, {SYS_unlink, "unlink"}, {SYS_unlinkat, "unlinkat"},   {SYS_mkdir, "mkdir"},
    {SYS_rmdir, "rmdir"},       {SYS_close, "close"},   {SYS_ftruncate, "ftruncate"}, {SYS_fchmod, "fchmod"},
    {SYS_flock, "flock"}};
constexpr Name kReading[] = {
    {SYS_openat, "openat"},     {SYS_open, "open"},   {SYS_read, "read"},   {SYS_readv, "readv"},
    {SYS_pread64, "pread64"},   {SYS_fstat, "fstat"}, {SYS_stat, "stat"},   {SYS_newfstatat, "newfstatat"},
    {SYS_statx, "statx"},       {SYS_mmap, "mmap"},   {SYS_lseek, "lseek"}, {SYS_getdents64, "getdents64"},
    {SYS_readlink, "readlink"}, {SYS_close, "close"}};

template <std::size_t kCount>
std::vector<long> numbers(const Name (&names)[kCount]) {
  std::vector<long> out;
  for (const Name& name : names) out.push_back(name.number);
  return out;
}

std::string name_of(long number) {
  for (const Name& name : kWriting) {
    if (name.number == number) return name.name;
  }
  for (const Name& name : kReading) {
    if (name.number == number) return name.name;
  }
  return std::to_string(number);
}

/// A path of the traced process, up to 4 KiB.
std::string text_at(pid_t pid, unsigned long address) {
  std::string out;
  while (out.size() < 4096) {
    errno = 0;
    const long word = ptrace(PTRACE_PEEKDATA, pid, address + out.size(), nullptr);
    if (errno != 0) return out;
    char bytes[sizeof word];
    std::memcpy(bytes, &word, sizeof word);
    const auto* end = static_cast<const char*>(std::memchr(bytes, 0, sizeof bytes));
    out.append(bytes, end ? static_cast<std::size_t>(end - bytes) : sizeof bytes);
    if (end) break;
  }
  return out;
}

/// UBSan's runtime asks by a write to a pipe of its own whether memory can be read, and takes a fault there
/// for the answer. What goes through a pipe changes no file.
bool is_pipe(pid_t pid, unsigned long long fd) {
  const std::string link = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
  char target[8] = {};
  return ::readlink(link.c_str(), target, sizeof target - 1) > 0 && std::string(target).starts_with("pipe:");
}

/// Follows the calls of one process and its threads.
class Tracer {
 public:
  Tracer(pid_t child, const Watched& watched, const Fault& fault)
      : child_(child), watched_(watched), fault_(fault), counting_(watched.from_open.empty()) {}

  Traced run() {
    int status = 0;
    waitpid(child_, &status, __WALL);
    constexpr long kOptions =
        PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    ptrace(PTRACE_SETOPTIONS, child_, nullptr, kOptions);
    threads_.insert(child_);
    go_on(child_, 0);
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
      if (WIFSTOPPED(status)) {
        stopped(pid, status);
      } else if (pid == child_) {
        out_.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        out_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        return std::move(out_);
      }
    }
    return std::move(out_);
  }

 private:
  void go_on(pid_t pid, int signal) {
    // Once the fault is through, nothing more is of interest.
    const bool finished = hit_ && pending_.empty();
    ptrace(finished ? PTRACE_CONT : PTRACE_SYSCALL, pid, nullptr, signal);
  }

  void stopped(pid_t pid, int status) {
    const int signal = WSTOPSIG(status);
    const bool is_new = threads_.insert(pid).second;
    if (signal == (SIGTRAP | 0x80)) {
      at_call(pid);
      go_on(pid, 0);
    } else if (status >> 16 != 0 || (is_new && signal == SIGSTOP)) {  // an event; a thread's start
      go_on(pid, 0);
    } else {
      go_on(pid, signal);
    }
  }

  void at_call(pid_t pid) {
    user_regs_struct registers{};
    ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
    if (const auto pending = pending_.find(pid);
        pending != pending_.end()) {  // the end of the call that fails
      registers.rax = static_cast<unsigned long long>(-static_cast<long long>(pending->second));
      ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
      pending_.erase(pending);
      inside_.erase(pid);
      return;
    }
    if (inside_.erase(pid) > 0) return;
    inside_.insert(pid);
    const auto number = static_cast<long>(registers.orig_rax);
    if (!counting_) {
      counting_ = number == SYS_openat && text_at(pid, registers.rsi).ends_with(watched_.from_open);
      return;
    }
    if (!counts(pid, number, registers) || out_.calls++ != fault_.at || hit_) return;
    hit_ = true;
    out_.call = name_of(number);
    inject(pid, registers);
  }

  bool counts(pid_t pid, long number, const user_regs_struct& registers) const {
    const auto& calls = watched_.calls;
    if (std::find(calls.begin(), calls.end(), number) == calls.end()) return false;
    if (number == SYS_mmap && static_cast<int>(registers.r8) < 0) return false;
    if ((number == SYS_write || number == SYS_close) && is_pipe(pid, registers.rdi)) return false;
    const bool data =
        number == SYS_read || number == SYS_write || number == SYS_pread64 || number == SYS_pwrite64;
    return fault_.kind != FaultKind::kShort || (data && registers.rdx > 1);
  }

  void inject(pid_t pid, user_regs_struct& registers) {
    switch (fault_.kind) {
      case FaultKind::kNone:
        break;
      case FaultKind::kKill:
        ::kill(child_, SIGKILL);
        break;
      case FaultKind::kShort:
        registers.rdx = std::max(registers.rdx / 3, 1ULL);
        ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
        break;
      case FaultKind::kError:
        registers.orig_rax = static_cast<unsigned long long>(-1);
        ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
        pending_[pid] = fault_.error;
        break;
    }
  }

  pid_t child_;
  const Watched& watched_;
  const Fault& fault_;
  bool counting_, hit_ = false;
  std::set<pid_t> threads_, inside_;
  std::map<pid_t, int> pending_;  // errno that a thread's call will give
  Traced out_;
};

}  // namespace

bool can_trace() {
  static const bool can =
      run_traced([] { return 7; }, {{SYS_exit_group}}, {}).status == 7 &&
      run_traced([] { return ::close(-1) == 0 || errno != EIO; }, {{SYS_close}}, {FaultKind::kError, EIO, 0})
              .status == 0;
  return can;
}

Traced run_traced(const std::function<int()>& work, const Watched& watched, const Fault& fault) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(127);
    // A program in our place would end with an error of LeakSanitizer, which does not work under ptrace.
    const char* options = std::getenv("ASAN_OPTIONS");
    ::setenv("ASAN_OPTIONS", ((options ? std::string(options) + ":" : "") + "detect_leaks=0").c_str(), 1);
    raise(SIGSTOP);
    _exit(work());
  }
  return Tracer(child, watched, fault).run();
}

const std::vector<long>& writing_calls() {
  static const std::vector<long> calls = numbers(kWriting);
  return calls;
}
const std::vector<long>& reading_calls() {
  static const std::vector<long> calls = numbers(kReading);
  return calls;
}

#else

bool can_trace() {
  return false;
}
Traced run_traced(const std::function<int()>&, const Watched&, const Fault&) {
  return {};
}
const std::vector<long>& writing_calls() {
  static const std::vector<long> none;
  return none;
}
const std::vector<long>& reading_calls() {
  return writing_calls();
}

#endif

// Starting and forking a process is slow under the sanitizers.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kSome = 4;
#else
constexpr long kSome = 20;
#endif

std::vector<long> points(long count) {
  const char* set = std::getenv("MOONBEAM_FAULTS");
  const bool all = set && std::string(set) == "all";
  const long step = all ? 1 : std::max(1L, count / kSome);
  std::vector<long> out;
  for (long n = 0; n < count; n += step) out.push_back(n);
  if (count > 0 && out.back() != count - 1) out.push_back(count - 1);
  return out;
}

}  // namespace moonbeam::testing
