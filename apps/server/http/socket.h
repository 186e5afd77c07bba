// A WebSocket to those who speak over it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "server/http/message.h"

namespace moonbeam::server {

/// An open WebSocket. Every call is safe from any thread and returns at once; after the close they do
/// nothing.
class Socket {
 public:
  virtual ~Socket() = default;
  virtual void send_text(std::string text) = 0;
  virtual void send_binary(std::string bytes) = 0;
  /// Bytes that were given to send and have not reached the kernel yet.
  virtual std::size_t queued() const noexcept = 0;
  /// `code` of RFC 6455 (1000, 1008, 1013, ...), `reason` at most 123 bytes.
  virtual void close(int code, std::string reason) = 0;
};

/// What the other side does. Called one at a time, in order, on a worker; on_close is the last, once.
struct SocketEvents {
  std::function<void(std::string text)> on_text = {};
  std::function<void(std::string bytes)> on_binary = {};
  std::function<void(int code)> on_close = {};
};

/// Takes a socket whose handshake was accepted. `request` has no body.
using SocketHandler = std::function<SocketEvents(std::shared_ptr<Socket> socket, const Request& request)>;

}  // namespace moonbeam::server
