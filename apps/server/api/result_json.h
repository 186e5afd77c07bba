// Results of tasks as JSON, in the makers' shapes.
#pragma once

#include <variant>

#include <moonbeam/scheduler.h>

#include "server/api/json_out.h"

namespace moonbeam::server {

/// {"text", "grounding": [{"start_idx", "end_idx", "points": [[x, y]]}]}
JsonOut reasoning_json(const Reasoning& reasoning);
/// Its `grounding` alone.
JsonOut grounding_json(const Reasoning& reasoning);

/// {"caption"}, {"answer", "reasoning"?}, {"objects"} or {"points", "count"}.
JsonOut result_json(const decltype(Outcome::result)& result);

}  // namespace moonbeam::server
