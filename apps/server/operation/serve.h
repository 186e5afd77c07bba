// The life of a server: binding, loading behind a health route, signals, the end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/http/server.h"
#include "server/operation/access_log.h"
#include "server/operation/metrics.h"

namespace moonbeam::server {

/// What is served. Built before the model is there.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Their handlers are called only once open() has returned, save those of `quick` routes.
  virtual void add_routes(Router& router) = 0;
  /// Loads the model; ends early, with Error kCancelled, where `carry_on` says false.
  virtual void open(const std::function<bool()>& carry_on) = 0;
  /// The server stops: what would never end by itself is to end now. Not before open() has returned.
  virtual void drain() {}
  /// Ends every request that is still in work; each tells its client so. Not before open() has returned.
  virtual void stop() = 0;
  // Once open.
  virtual SchedulerStats stats() const = 0;
  virtual ModelInfo model() const = 0;
  /// Further lines for /metrics, with their # TYPE, of parts that count for themselves.
  virtual void write_metrics(std::string&) const {}
  /// Whether another request would be taken.
  virtual bool has_room() const { return true; }
  /// Seconds until those who wait now will have been served.
  virtual int retry_after_s() const { return 1; }
};

struct ServeOptions {
  ServerOptions server = {};
  LogOptions log = {};
  bool log_requests = true;
  std::string key_file = {};  ///< read at the start and at SIGHUP, beside server.keys
  /// Reads the certificate and its key, at the start and at SIGHUP; empty: without TLS. @throws Error.
  std::function<std::shared_ptr<const Tls>()> tls = {};
  bool no_auth = false;  ///< let everybody in, also on addresses that others reach
  bool metrics_open = false;
  std::string port_file = {};
  std::chrono::milliseconds grace{20'000};
  /// Where it listens, before the model is there.
  std::function<void(const std::vector<Listener>&)> on_listening = {};
  /// What people are to know: where it listens, that the model is there.
  std::function<void(const std::string&)> say = {};
};

/// Serves until SIGTERM or SIGINT, which it takes from the whole process. SIGHUP reads the keys and the
/// certificate and opens the log anew.
/// @return 0 at the clean end; 128 + the signal where a second one ended what was in work.
/// @throws Error kExhausted (port taken), kInvalidArgument, and whatever open() throws.
int serve(ServeOptions options, Backend& backend);

}  // namespace moonbeam::server
