// An answer in pieces, whose head may be written by whichever thread comes first.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/http/exchange.h"
#include "server/http/refusal.h"

namespace moonbeam::server {

/// The handler begins it once its request is queued; the scheduler may have text before that, and then begins
/// it itself. Safe from any thread.
class PieceStream {
 public:
  /// `head` without a body; `ping` as for Exchange::start.
  PieceStream(std::shared_ptr<Exchange> exchange, Response head, std::string ping)
      : exchange_(std::move(exchange)), head_(std::move(head)), ping_(std::move(ping)) {}

  /// Status 200 and the head, unless that has been so, or the request failed before it.
  void begin();
  /// One write.
  void send_piece(std::string piece);
  void finish();

  /// Before the head: the plain error answer with its status. After it: `pieces`, then the end.
  void fail_with(const Refusal& refusal, std::vector<std::string> pieces);

 private:
  void begin_locked();

  const std::shared_ptr<Exchange> exchange_;
  std::mutex mutex_;
  Response head_;
  const std::string ping_;
  bool begun_ = false, ended_ = false;
};

}  // namespace moonbeam::server
