// Which handler a method and a path belong to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http/exchange.h"
#include "server/http/socket.h"

namespace moonbeam::server {

struct Route {
  std::string method;  ///< "GET" also answers HEAD
  std::string path;    ///< exact, or ending in "/{...}" for one more segment, whatever it is
  Handler handler = {};
  SocketHandler socket = {};  ///< in place of `handler`: the path is a WebSocket
  std::string subprotocol = {};
  bool open = false;  ///< without a key even where keys are set
  /// Runs on the transport's own thread, also while the model loads and while the server stops: for what is
  /// answered from memory within microseconds.
  bool quick = false;
  /// Its answer streams for as long as its reader stays: the deadline is for its beginning.
  bool endless = false;
};

/// The table of all routes. Filled before the server starts, read only after.
class Router {
 public:
  void add(Route route);

  struct Match {
    const Route* route = nullptr;
    std::string allow = {};  ///< methods of the path, where it is known and the method is not: 405
    std::string rest = {};   ///< the segment that "{...}" stands for
  };
  Match find(std::string_view method, std::string_view path) const;
  const std::vector<Route>& routes() const noexcept { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace moonbeam::server
