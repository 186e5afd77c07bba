// /health, /ready and /metrics: what probes and monitors ask, answered also while nothing else is.
#pragma once

#include <atomic>
#include <functional>

#include "server/http/router.h"

namespace moonbeam::server {

enum class Stage { kLoading, kReady, kDraining };

/// `has_room`: whether another request would be taken; `metrics`: their text. Both are called on the
/// transport's thread.
void add_health_routes(Router& router, const std::atomic<Stage>& stage, std::function<bool()> has_room,
                       std::function<std::string()> metrics, bool metrics_open);

}  // namespace moonbeam::server
