// An answer in server-sent events.
#pragma once

#include <memory>
#include <string>

#include "server/api/json_out.h"
#include "server/api/piece_stream.h"

namespace moonbeam::server {

class EventStream : public PieceStream {
 public:
  explicit EventStream(std::shared_ptr<Exchange> exchange);

  /// `data: {...}` and an empty line, in one write.
  void send(const JsonOut& event);
  void send_text(const std::string& data);

  /// Before the head: the plain error answer with its status. After it: an event that says so, and a line
  /// that is no JSON, without which the makers' clients take what they have for the whole; then the end.
  void fail(const Refusal& refusal);
};

}  // namespace moonbeam::server
