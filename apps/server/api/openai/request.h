// What a chat completion asks for.
#pragma once

#include <string>
#include <vector>

#include "server/api/chat/asking.h"
#include "server/api/chat/members.h"
#include "server/api/service.h"

namespace moonbeam::server {

struct ChatCompletion {
  Asked asked;
  std::vector<std::string> warnings = {};
  bool stream = false;
  bool stream_usage = false;  ///< a last chunk with the usage
};

/// @throws Refusal 400, 404, 413: an option that would be ignored although the answer hangs on it is refused.
ChatCompletion read_chat_completion(const Members& body, const Service& service);

}  // namespace moonbeam::server
