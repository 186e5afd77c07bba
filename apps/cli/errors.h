// What ends the program: exit codes, signals, and the one line on standard error.
#pragma once

#include <moonbeam/error.h>

#include <exception>
#include <string>
#include <string_view>

namespace moonbeam::cli {

enum Exit : int {
  kExitOk = 0,             ///< also "nothing found"
  kExitSomeFailed = 1,     ///< some pictures of a run
  kExitUsage = 2,          ///< kInvalidArgument, and everything the parser refuses
  kExitNotFound = 3,       ///< kNotFound
  kExitCorrupt = 4,        ///< kCorrupt
  kExitUnsupported = 5,    ///< kUnsupported
  kExitExhausted = 6,      ///< kExhausted
  kExitNetwork = 7,        ///< net::NetworkError
  kExitBug = 70,           ///< any other exception
  kExitInterrupted = 130,  ///< SIGINT
  kExitBrokenPipe = 141,   ///< the reader of our output went away
  kExitTerminated = 143,   ///< SIGTERM
};

int exit_code(ErrorCode code) noexcept;

/// The reader of standard output went away: no message, status 141.
struct BrokenPipe : std::exception {
  const char* what() const noexcept override { return "broken pipe"; }
};

/// Message and exit status for what main() caught. An empty message prints nothing.
struct Ending {
  int status = kExitOk;
  std::string message;
};
Ending ending_of(std::exception_ptr error) noexcept;

/// `message` as one printable line "moonbeam: ..." on standard error. Never throws, never fails.
void complain(std::string_view message) noexcept;

/// Whether complain() colours: --color and NO_COLOR, or what standard error is.
void choose_color(std::string_view mode) noexcept;
/// Standard error is a terminal that can move its cursor.
bool stderr_is_terminal() noexcept;

/// Makes sure that 0, 1 and 2 are taken, so that no file of ours becomes standard output; writing to one that
/// was closed stays an error.
void hold_standard_streams() noexcept;

/// First SIGINT or SIGTERM asks, a second one ends at once. SIGPIPE becomes an error of write().
/// SIGBUS from a mapped file that has shrunk says so in one line and ends with status 4.
void install_signal_handlers();
/// The signal that came, 0 if none did.
int pending_signal() noexcept;
/// For chat: forget a SIGINT that stopped an answer.
void forget_signal() noexcept;
/// Whether work may go on; what every progress callback returns.
inline bool carry_on() noexcept {
  return pending_signal() == 0;
}
/// 128 + the signal that came.
int signal_status() noexcept;

}  // namespace moonbeam::cli
