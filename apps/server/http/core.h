// What the connections of a server share. Inside of the transport only.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "server/http/server.h"
#include "server/http/waiting_room.h"
#include "server/http/worker_pool.h"

namespace moonbeam::server {

namespace net = boost::asio;
using tcp = net::ip::tcp;
using Clock = std::chrono::steady_clock;

/// One who holds a connection open, to be told when the server stops.
class Client {
 public:
  virtual ~Client() = default;
  virtual void drain() = 0;
  virtual void close() = 0;
};

/// All members are the loop's thread's alone, unless they say otherwise. Outlives the Server where a handler
/// still holds an exchange.
struct Core {
  Core(ServerOptions options_of, WorkerPool& pool_of)
      : options(std::move(options_of)), pool(pool_of), guard(options.guard, options.keys), tls(options.tls) {}

  /// Runs `job` on the loop; after the stop it is let go. From any thread.
  template <typename Job>
  void post(Job&& job) {
    const std::lock_guard lock(post_mutex);
    if (!stopped) net::post(io, std::forward<Job>(job));
  }
  /// From any thread.
  void count_request(int change) {
    const std::lock_guard lock(idle_mutex);
    requests += change;
    if (requests == 0) idle.notify_all();
  }

  ServerOptions options;
  net::io_context io{1};
  WorkerPool& pool;
  Guard guard;                     // set_keys from any thread
  std::shared_ptr<const Tls> tls;  // of connections from now on; null where they are plain
  std::shared_ptr<const Router> router = std::make_shared<const Router>();
  std::optional<Refusal> held;
  bool draining = false;
  std::vector<std::string> hosts;      // that we listen on, or that our certificate is for
  std::array<char, 64 << 10> scratch;  // what recv() fills before it is known whose bytes those are
  std::size_t in_work = 0;             // POST requests
  std::size_t bodies = 0;              // bytes in memory
  std::unordered_map<std::string, std::size_t> per_address;
  std::unordered_set<Client*> clients;
  WaitingRoom waiting_room{io};

  std::mutex post_mutex;
  bool stopped = false;  // under post_mutex

  std::mutex idle_mutex;
  std::condition_variable idle;
  int requests = 0;  // under idle_mutex

  std::atomic<std::size_t> connections{0}, sockets{0};
};

/// The place that a connection takes among those of its address and of all.
class Seat {
 public:
  Seat(std::shared_ptr<Core> core, std::string address)
      : core_(std::move(core)), address_(std::move(address)) {
    ++core_->per_address[address_];
    ++core_->connections;
  }
  ~Seat() {
    --core_->connections;
    const auto found = core_->per_address.find(address_);
    if (found != core_->per_address.end() && --found->second == 0) core_->per_address.erase(found);
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  const std::string& address() const noexcept { return address_; }

 private:
  std::shared_ptr<Core> core_;
  std::string address_;
};

}  // namespace moonbeam::server
