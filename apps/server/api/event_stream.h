// An answer in server-sent events, whose head may be written by whichever thread comes first.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "server/api/json_out.h"
#include "server/http/exchange.h"
#include "server/http/refusal.h"

namespace moonbeam::server {

/// The handler begins it once its request is queued; the scheduler may have text before that, and then begins
/// it itself. Safe from any thread.
class EventStream {
 public:
  explicit EventStream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  /// Status 200 and the head, unless that has been so, or the request failed before it.
  void begin();
  /// `data: {...}` and an empty line, in one write.
  void send(const JsonOut& event);
  void send_text(const std::string& data);
  void finish();

  /// Before the head: the plain error answer with its status. After it: an event that says so, and a line
  /// that is no JSON, without which the makers' clients take what they have for the whole; then the end.
  void fail(const Refusal& refusal);

 private:
  void begin_locked();

  const std::shared_ptr<Exchange> exchange_;
  std::mutex mutex_;
  bool begun_ = false, ended_ = false;
};

}  // namespace moonbeam::server
