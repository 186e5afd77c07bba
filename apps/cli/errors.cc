// Exit codes, signals and the line on standard error. Which exit code means what: api.md section 5.
#include "cli/errors.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <new>

#include "cli/text.h"
#include "net/http.h"

namespace moonbeam::cli {

namespace {
volatile std::sig_atomic_t signal_that_came = 0;
bool colored = false;

extern "C" void on_signal(int number) {
  if (signal_that_came != 0) _exit(128 + number);  // asked twice: at once
  signal_that_came = number;
}

// Weights are used where they lie in a mapped file: a page that the file has lost since is read as this
// signal. It may come in any thread and inside a kernel, so nothing can be unwound.
extern "C" void on_bus_error(int number, siginfo_t* info, void*) {
  if (info->si_code == BUS_ADRERR) {
    constexpr char kLine[] = "moonbeam: a model file changed while it was in use\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine, sizeof kLine - 1);
    _exit(kExitCorrupt);
  }
  std::signal(number, SIG_DFL);
  std::raise(number);
}
}  // namespace

int exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return kExitUsage;
    case ErrorCode::kNotFound:
      return kExitNotFound;
    case ErrorCode::kCorrupt:
      return kExitCorrupt;
    case ErrorCode::kUnsupported:
      return kExitUnsupported;
    case ErrorCode::kExhausted:
      return kExitExhausted;
    case ErrorCode::kCancelled:
      return kExitInterrupted;
  }
  return kExitBug;
}

Ending ending_of(std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const BrokenPipe&) {
    return {kExitBrokenPipe, ""};
  } catch (const net::NetworkError& e) {
    return {kExitNetwork, e.what()};
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kCancelled) return {signal_status(), ""};
    return {exit_code(e.code()), e.what()};
  } catch (const std::bad_alloc&) {
    return {kExitExhausted, "out of memory"};
  } catch (const std::exception& e) {
    return {kExitBug, std::string("this is a bug: ") + e.what()};
  } catch (...) {
    return {kExitBug, "this is a bug: unknown exception"};
  }
}

void complain(std::string_view message) noexcept {
  try {
    const bool note = message.starts_with("note: ");
    std::string line = !colored ? "moonbeam: "
                       : note   ? "\x1b[1mmoonbeam:\x1b[0m "
                                : "\x1b[1;31mmoonbeam:\x1b[0m ";
    line += printable(message) + "\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  } catch (...) {  // no memory for the message: the status has to do
  }
}

void choose_color(std::string_view mode) noexcept {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = no_color != nullptr && no_color[0] != '\0';
  colored = mode == "always" || (mode == "auto" && !refused && stderr_is_terminal());
}

bool stderr_is_terminal() noexcept {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

void hold_standard_streams() noexcept {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDONLY);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  // No SA_RESTART: a read from a terminal or pipe ends, so that Ctrl-C is heard there.
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction old = {};
    ::sigaction(number, nullptr, &old);
    if (old.sa_handler != SIG_IGN)
      ::sigaction(number, &action, nullptr);  // nohup and shells' background jobs
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of write() as well
  struct sigaction bus = {};
  bus.sa_sigaction = on_bus_error;
  bus.sa_flags = SA_SIGINFO;
  sigemptyset(&bus.sa_mask);
  ::sigaction(SIGBUS, &bus, nullptr);
}

int pending_signal() noexcept {
  return signal_that_came;
}
void forget_signal() noexcept {
  signal_that_came = 0;
}
int signal_status() noexcept {
  return signal_that_came == 0 ? kExitInterrupted : 128 + signal_that_came;
}

}  // namespace moonbeam::cli
