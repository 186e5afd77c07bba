// POST /v1/chat/completions, as OpenAI's clients speak it.
#pragma once

#include <vector>

#include "server/api/service.h"
#include "server/http/router.h"

namespace moonbeam::server {

/// Also those of OpenAI's routes that are not served, with an answer that names the one that is. `service`
/// has to outlive them.
std::vector<Route> openai_routes(Service& service);

inline void add_openai_routes(Router& router, Service& service) {
  for (Route& route : openai_routes(service)) router.add(std::move(route));
}

}  // namespace moonbeam::server
