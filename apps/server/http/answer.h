// Answers as bytes.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace moonbeam::server {

/// How an answer is to be framed.
struct Framing {
  bool http11 = true;
  bool keep_alive = true;
  bool head_only = false;  ///< HEAD: the length without the body
  bool chunked = false;    ///< in pieces; without it a stream ends with the connection
  bool stream = false;
};

/// Status line and headers, with the empty line. `extra`: headers that go with every answer of this request.
std::string answer_head(const Response& response, const Framing& framing, const std::string& request_id,
                        const Headers& extra);

/// One chunk.
std::string chunk(std::string_view piece);

}  // namespace moonbeam::server
