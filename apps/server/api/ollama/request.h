// What /api/generate and /api/chat ask for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/chat/asking.h"
#include "server/api/chat/members.h"
#include "server/api/service.h"

namespace moonbeam::server {

struct OllamaRequest {
  std::string model;  ///< as it was asked for, else ours: the answer's
  bool stream = true;
  /// Nothing is asked: the model is to be in memory, or to leave it (keep_alive 0). It is and stays there.
  std::optional<bool> unload = {};
  Asked asked = {};
  std::vector<std::string> warnings = {};
};

/// @throws Refusal 400, 404, 413.
OllamaRequest read_generate(const Members& body, const Service& service);
OllamaRequest read_chat(const Members& body, const Service& service);

}  // namespace moonbeam::server
