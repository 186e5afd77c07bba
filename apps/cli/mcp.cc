// moonbeam mcp: the Model Context Protocol on standard input and output; logs go to standard error.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/errors.h"
#include "cli/local_answerer.h"
#include "cli/mcp/server.h"
#include "cli/remote/client.h"
#include "cli/remote/key.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/tools.h"

namespace moonbeam::cli {

namespace {

/// Lines of standard input, as they come.
class Lines {
 public:
  explicit Lines(mcp::Server& server) : server_(server) {}

  /// Until the input ends, a signal comes or nobody reads the answers.
  void pump(const std::atomic<bool>& broken) {
    std::array<char, 1 << 16> buffer;
    while (carry_on() && !broken) {
      constexpr int kTurnMs = 100;
      pollfd request{STDIN_FILENO, POLLIN, 0};
      if (::poll(&request, 1, kTurnMs) <= 0) continue;
      const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) throw Error(ErrorCode::kNotFound, std::string("standard input: ") + std::strerror(errno));
      if (got == 0) break;
      take(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    }
    if (!line_.empty()) server_.receive(line_);  // a last line without its end
  }

 private:
  void take(std::string_view bytes) {
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      append(bytes.substr(0, end));
      if (!too_long_) server_.receive(line_);
      line_.clear();
      too_long_ = false;
    }
    append(bytes);
  }

  void append(std::string_view bytes) {
    if (too_long_) return;
    line_ += bytes;
    if (line_.size() <= mcp::kMaxMessage) return;
    too_long_ = true;  // the rest of it is passed over
    line_ = {};
    server_.refuse_long_message();
  }

  mcp::Server& server_;
  std::string line_;
  bool too_long_ = false;
};

std::unique_ptr<Answerer> open_answerer(const Options& options) {
  const RemoteArgs& remote = options.remote;
  if (!remote.url.empty()) {
    return std::make_unique<RemoteClient>(RemoteOptions{.url = remote.url,
                                                        .key = api_key(remote),
                                                        .ca_file = remote.ca_file,
                                                        .model = options.model.model},
                                          carry_on);
  }
  Status status(false);
  return std::make_unique<LocalAnswerer>(open_session(options, status).model);
}

}  // namespace

int run_mcp(const Options& options) {
  const std::vector<std::string> here = {"."};
  mcp::Roots roots(options.mcp.roots.empty() ? here : options.mcp.roots);
  const std::unique_ptr<Answerer> answerer = open_answerer(options);
  std::atomic<bool> broken = false;
  mcp::Server server(*answerer, std::move(roots), [&](const std::string& line) {
    try {
      write_all(STDOUT_FILENO, line + "\n", "standard output");
    } catch (...) {
      broken = true;
    }
    return !broken;
  });
  Lines(server).pump(broken);
  if (broken) throw BrokenPipe();
  if (!carry_on()) return signal_status();
  server.finish();
  return carry_on() ? kExitOk : signal_status();
}

}  // namespace moonbeam::cli
