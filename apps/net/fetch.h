// Fetching a file whose address a stranger named: from the internet alone, within limits.
#pragma once

#include <moonbeam/error.h>

#include <functional>
#include <string>
#include <vector>

struct sockaddr;

namespace moonbeam::net {

/// It may not be fetched, whatever is there.
class FetchRefused : public Error {
 public:
  explicit FetchRefused(const std::string& message) : Error(ErrorCode::kInvalidArgument, message) {}
};

struct FetchOptions {
  bool http = false;                    ///< beside https
  std::vector<std::string> hosts = {};  ///< the only ones, with * for any letters; empty: any
  std::size_t most_bytes = 10 << 20;
  int most_redirects = 2;
  int whole_ms = 10'000;  ///< for all of it, redirects included
  /// Asked of each address before it is connected to; tests let their own servers through.
  std::function<bool(const sockaddr&)> may_connect = {};  ///< empty: is_public_address()
};

/// The body of a 200. No cookies, no credentials, no proxy; each redirect is checked as the first address is.
/// Whether a name is unknown or leads to an address that may not be called is not told apart: callers could
/// map the network that way.
/// @throws FetchRefused, NetworkError, Error kExhausted (too long).
std::string fetch(const std::string& url, const FetchOptions& options);

/// Whether `host` is `pattern`, in which * stands for any letters; case does not matter.
bool matches_host(std::string_view pattern, std::string_view host);

}  // namespace moonbeam::net
