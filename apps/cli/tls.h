// --tls-cert, --tls-key and --tls-self-signed, and where a browser finds the server then.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "server/http/listen.h"
#include "server/tls/tls.h"

namespace moonbeam::cli {

/// Reads, or makes, what the options name; empty where they name nothing. `args` has to outlive it.
/// @throws Error kInvalidArgument where they contradict each other.
std::function<std::shared_ptr<const server::Tls>()> tls_of(const ServeArgs& args, bool quiet);

/// Addresses of the page.
struct PagePlaces {
  std::string here;                    ///< for a browser of this machine
  std::vector<std::string> elsewhere;  ///< for others in its network
};
PagePlaces page_places(const std::vector<server::Listener>& listeners, bool tls);

}  // namespace moonbeam::cli
