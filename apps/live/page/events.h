// The way round a WebSocket that does not come through: server-sent events one way, POST the other.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "server/http/exchange.h"
#include "server/http/socket.h"

namespace moonbeam::live {

class EventSessions {
 public:
  using Accept = std::function<server::SocketEvents(std::shared_ptr<server::Socket>)>;

  /// GET: the messages of a session as events, until its reader goes away. The caller chooses its name: 8 to
  /// 64 letters, digits and dashes. @throws Refusal 400, 409.
  void listen(const std::shared_ptr<server::Exchange>& exchange, const Accept& accept);
  /// POST: a message (application/json), or a frame. @throws Refusal 400, 404.
  void take(const std::shared_ptr<server::Exchange>& exchange);
  bool knows(const std::string& session) const;
  /// Sessions hold exchanges, and these at last whoever holds the sessions.
  void clear();

 private:
  struct Session {
    std::mutex speaking;  // messages come one at a time, as those of a socket do
    server::SocketEvents events;
    std::atomic<bool> over{false};  // ended from our side
  };
  std::shared_ptr<Session> find(const std::string& name) const;
  void end(const std::string& name);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
};

}  // namespace moonbeam::live
