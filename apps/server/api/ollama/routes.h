// Ollama's routes: programs made for it find a model called "moondream".
#pragma once

#include <vector>

#include "server/api/service.h"
#include "server/http/router.h"

namespace moonbeam::server {

/// /api/generate, /api/chat and what belongs to them. `service` has to outlive them.
std::vector<Route> ollama_routes(Service& service);

inline void add_ollama_routes(Router& router, Service& service) {
  for (Route& route : ollama_routes(service)) router.add(std::move(route));
}

}  // namespace moonbeam::server
