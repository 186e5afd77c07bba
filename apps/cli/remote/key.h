// The key that a server is asked with.
#pragma once

#include <string>

#include "cli/options.h"

namespace moonbeam::cli {

/// --api-key, else the first key of --api-key-file (of the form that `serve` reads), else MOONBEAM_API_KEY,
/// else MOONDREAM_API_KEY.
/// @throws Error kNotFound, kInvalidArgument (characters that no header may have).
std::string api_key(const RemoteArgs& args);

}  // namespace moonbeam::cli
