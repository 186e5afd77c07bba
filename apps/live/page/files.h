// The page's files as answers.
#pragma once

#include "server/http/exchange.h"
#include "server/http/router.h"

namespace moonbeam::live {

/// /live, /live.js, /live.css, and / for browsers; others get `plain_root` there.
void add_file_routes(server::Router& router, server::Handler plain_root);

/// Whether an Accept header asks for a page rather than for data.
bool wants_page(const server::Request& request) noexcept;

}  // namespace moonbeam::live
