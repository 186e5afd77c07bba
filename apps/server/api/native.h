// The makers' own HTTP interface: caption, query, detect, point, and what belongs to it.
#pragma once

#include <vector>

#include "server/api/service.h"
#include "server/http/router.h"

namespace moonbeam::server {

/// /v1/caption, /v1/query, ... and the same without /v1. `service` has to outlive them.
std::vector<Route> native_routes(Service& service);

inline void add_native_routes(Router& router, Service& service) {
  for (Route& route : native_routes(service)) router.add(std::move(route));
}

}  // namespace moonbeam::server
