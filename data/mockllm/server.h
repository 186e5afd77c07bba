// The mock behind sockets: HTTP/1.1 on Boost.Asio and Beast, with everything that can go wrong on the way.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "data/mockllm/mock.h"

namespace moonbeam::mockllm {

struct ServerOptions {
  MockOptions mock = {};
  std::string address = "127.0.0.1";
  int port = 0;           ///< 0: a free one
  double latency_ms = 0;  ///< before each answer
  double token_ms = 0;    ///< and for each token of it
  int capacity = 0;       ///< more at a time are sent away with 429; 0: no limit
  double per_minute = 0;  ///< more requests a minute are sent away with 429 and Retry-After; 0: no limit
  std::size_t max_body = std::size_t{64} << 20;
};

struct ServerCounts {
  std::uint64_t requests = 0, answered = 0;  ///< answered: 200
  std::uint64_t sent_away = 0;               ///< by capacity or rate
  int in_flight = 0, most_in_flight = 0;
  std::map<std::string, std::uint64_t> faults = {};
};

/// Serves on a thread of its own from the constructor on.
class Server {
 public:
  /// @throws Error kExhausted (address in use, no descriptors), kInvalidArgument (no address), and what Mock
  /// throws.
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const noexcept;
  std::string url() const;  ///< "http://127.0.0.1:PORT/v1"
  ServerCounts counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moonbeam::mockllm
