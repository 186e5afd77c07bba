// The server's outside: sockets, limits, life. Requests go through a Router to handlers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/http/guard.h"
#include "server/http/listen.h"
#include "server/http/parser.h"
#include "server/http/router.h"
#include "server/tls/tls.h"

namespace moonbeam::server {

/// Why a connection ends that does not behave.
struct Limits {
  using ms = std::chrono::milliseconds;
  ParseLimits parse = {};
  ms head_time{5'000};  ///< from the first byte to the end of the head
  ms body_time{30'000};
  std::size_t body_rate = 100'000;  ///< bytes that add a second to body_time
  ms idle_time{60'000};             ///< between two requests
  ms stall_time{20'000};            ///< without progress in writing
  ms ping_time{10'000};             ///< of silence in a stream before its ping
  ms linger_time{3'000};            ///< to read what a refused client still sends
  ms overtime{10'000};              ///< after a request's deadline, before the transport answers itself
  std::size_t connections = 4096;
  std::size_t per_address = 64;               ///< loopback is exempt
  std::size_t bodies = std::size_t{1} << 30;  ///< bytes of all bodies in memory
  std::size_t backlog = 16 << 20;             ///< bytes that a stream's reader may lag behind
  std::size_t message = 20 << 20;             ///< bytes of a WebSocket message
  ms socket_ping{20'000};
  ms socket_idle{120'000};  ///< without a sign of life, answers to pings included
};

/// A request that has ended, for the log and the metrics.
struct Finished {
  const Request& request;                   ///< path and method may be empty where the head was not readable
  std::string route = {};                   ///< as registered; empty where there was none
  int status = 0;                           ///< 499 where the reader went away before the answer
  std::string code = {};                    ///< of the error; empty for success
  std::size_t bytes_in = 0, bytes_out = 0;  ///< of bodies
  double ms = 0;                            ///< from the first byte of the request
  Account account = {};
};

struct ServerOptions {
  std::vector<std::string> listen = {};  ///< "ADDRESS:PORT"; empty: loopback at `port`
  std::uint16_t port = 2020;
  bool inherit = true;  ///< take the sockets of a service manager where there are some
  int workers = 4;
  std::size_t worker_queue = 256;
  /// POST requests in work, from the end of their body to the end of their answer; those beyond are refused
  /// (429 queue_full) before anything is done for them. 0: any number.
  std::size_t in_work = 0;
  std::function<int()> retry_after_s = {};     ///< what they are told; 1 where empty
  std::chrono::milliseconds timeout{300'000};  ///< of a request, its wait in the queue included
  Limits limits = {};
  GuardOptions guard = {};
  std::vector<Key> keys = {};
  /// Where it is set, all connections are encrypted; its hosts are names of this server.
  std::shared_ptr<const Tls> tls = {};
  /// On the transport's thread: to be short.
  std::function<void(const Finished&)> on_finished = {};
};

struct ServerStats {
  std::size_t connections = 0, sockets = 0, requests = 0;  ///< now
};

class Server {
 public:
  /// Binds. @throws Error as open_listeners().
  explicit Server(ServerOptions options);
  ~Server();  ///< as stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::vector<Listener>& listeners() const noexcept;

  /// Begins to accept.
  void start(Router router);
  /// Requests whose head comes later go by the new table.
  void replace_routes(Router router);
  /// Everything but `quick` routes is answered so; nothing lifts it.
  void hold(std::optional<Refusal> refusal);
  void set_keys(std::vector<Key> keys);
  /// For connections that come later; only where the server was made with some.
  void set_tls(std::shared_ptr<const Tls> tls);

  /// New requests are refused (503 shutting_down), idle connections end, WebSockets are closed (1001), those
  /// in work go on.
  void drain();
  /// Whether no request is in work any more, within `most`.
  bool wait_idle(std::chrono::milliseconds most);
  /// Ends everything. What handlers still hold does nothing from then on.
  void stop();

  ServerStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moonbeam::server
