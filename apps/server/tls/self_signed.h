// A certificate of our own for machines that have none: kept, so that a browser that was told to trust it
// goes on doing so.
#pragma once

#include <ctime>
#include <string>

#include "server/tls/names.h"
#include "server/tls/tls.h"

namespace moonbeam::server {

/// Where it is kept: $XDG_STATE_HOME/moonbeam, or ~/.local/state/moonbeam.
/// @throws Error kInvalidArgument where the environment names neither.
std::string self_signed_file();

/// Key (EC P-256) and certificate in one file of mode 0600, for localhost, loopback and `names`, good for 397
/// days. What `path` holds stays as it is while it is good for a week more and covers all of that; a new one
/// also covers what the old one did, so that a machine that goes between two networks keeps one.
/// @return whether one was made.
/// @throws Error kNotFound (the folder cannot be made or written), kExhausted.
bool keep_self_signed(const std::string& path, const MachineNames& names,
                      std::time_t now = std::time(nullptr));

}  // namespace moonbeam::server
