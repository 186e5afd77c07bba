// The way back from a handler to the one who asked.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/http/message.h"

namespace moonbeam::server {

/// One request and its way back. Every call is safe from any thread and returns at once: the transport writes
/// by itself. After the end, and after the reader has gone, calls do nothing. One that is let go without an
/// end answers 500, or breaks off its stream, so that nobody waits for nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const noexcept = 0;

  /// The whole answer.
  virtual void send(Response response) = 0;

  /// Begins an answer in pieces (chunked, or until the end of the connection for HTTP/1.0); `head.body` is
  /// its first piece, if not empty. `ping` is written each 10 s in which nothing else was.
  virtual void start(Response head, std::string ping = {}) = 0;
  /// A piece: one write, not held back for others.
  virtual void write(std::string piece) = 0;
  /// The clean end of an answer in pieces.
  virtual void finish() = 0;

  /// `gone` is called at most once, on a thread of the transport, if the reader goes away (or no longer
  /// reads) before the end; at once if that has been so already.
  virtual void on_gone(std::function<void()> gone) = 0;

  /// Before the end: what the log and the metrics are to tell. A second call replaces the first's.
  virtual void account(Account account) = 0;
};

/// Called on one of the server's workers, a bounded set of threads of which each handles one request at a
/// time: decoding a picture there is right, waiting for its answer is not. What it throws becomes an error
/// answer (kInvalidArgument 400, kNotFound 404, ...), or 500.
using Handler = std::function<void(std::shared_ptr<Exchange> exchange)>;

}  // namespace moonbeam::server
