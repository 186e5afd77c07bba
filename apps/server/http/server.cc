// Accepting connections, and the beginning and the end of all.
#include "server/http/server.h"

#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <thread>

#include "server/http/answer.h"
#include "server/http/connection.h"

namespace moonbeam::server {

namespace {

std::string plain_address(const net::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

/// One listening socket.
class Door : public std::enable_shared_from_this<Door> {
 public:
  Door(std::shared_ptr<Core> core, const Listener& listener)
      : core_(std::move(core)), acceptor_(core_->io), pause_(core_->io) {
    acceptor_.assign(listener.address.find(':') == std::string::npos ? tcp::v4() : tcp::v6(), listener.fd);
  }

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const boost::system::error_code& error, tcp::socket socket) {
          // One that was accepted just before the door closed is dropped: close_all() has not seen it.
          if (error == net::error::operation_aborted || !self->acceptor_.is_open()) return;
          if (!error) {
            try {
              self->welcome(std::move(socket));
            } catch (const std::exception&) {  // memory ran out: it is lost, the next one may not be
            }
            return self->accept();
          }
          // Out of descriptors, or a client that was gone before we came to it: the next one in a moment.
          self->pause_.expires_after(std::chrono::milliseconds(50));
          self->pause_.async_wait([self](const boost::system::error_code& stopped) {
            if (!stopped && self->acceptor_.is_open()) self->accept();
          });
        });
  }

  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  void welcome(tcp::socket socket) {
    boost::system::error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;
    const tcp::endpoint local = socket.local_endpoint(error);
    if (error) return;
    const std::string address = plain_address(peer.address());
    const Limits& limits = core_->options.limits;
    const auto here = core_->per_address.find(address);
    const bool crowded =
        here != core_->per_address.end() && here->second >= limits.per_address && !is_loopback(address);
    if (crowded || core_->connections >= limits.connections) return turn_away(socket, crowded);
    socket.set_option(tcp::no_delay(true), error);
    auto seat = std::make_unique<Seat>(core_, address);
    std::make_shared<Connection>(core_, Wire(std::move(socket), core_->tls), std::move(seat),
                                 plain_address(local.address()))
        ->start();
  }

  /// A word if the kernel takes it at once. Before a handshake there are no words.
  void turn_away(tcp::socket& socket, bool crowded) {
    if (core_->tls) return;
    const Response response =
        error_response(Refusal(503, "too_many_connections",
                               crowded ? "too many connections from this address" : "too many connections"),
                       "/");
    const std::string bytes =
        answer_head(response, {.keep_alive = false}, new_request_id(), {}) + response.body;
    [[maybe_unused]] const ssize_t sent =
        ::send(socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  std::shared_ptr<Core> core_;
  tcp::acceptor acceptor_;
  net::steady_timer pause_;
};

/// Where memory runs out, one connection is lost, not the server.
void run_loop(net::io_context& io) {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception&) {
    }
  }
}

}  // namespace

struct Server::Impl {
  explicit Impl(ServerOptions options)
      : pool(options.workers, options.worker_queue),
        core(std::make_shared<Core>(std::move(options), pool)),
        work(net::make_work_guard(core->io)) {}

  void open() {
    const ServerOptions& options = core->options;
    if (options.inherit) listeners = inherited_listeners();
    if (listeners.empty()) listeners = open_listeners(options.listen, options.port);
    for (const Listener& listener : listeners) {
      doors.push_back(std::make_shared<Door>(core, listener));  // owns the descriptor from here
    }
    name_hosts();
  }

  /// On the loop, once that runs.
  void name_hosts() {
    core->hosts.clear();
    for (const Listener& listener : listeners) core->hosts.push_back(listener.host);
    if (core->tls)
      core->hosts.insert(core->hosts.end(), core->tls->hosts().begin(), core->tls->hosts().end());
  }

  /// On the loop.
  void close_all() {
    for (const auto& door : doors) door->close();
    const std::vector<Client*> clients(core->clients.begin(), core->clients.end());
    for (Client* client : clients) client->close();
    core->waiting_room.clear();
  }

  WorkerPool pool;
  std::shared_ptr<Core> core;
  net::executor_work_guard<net::io_context::executor_type> work;
  std::vector<Listener> listeners;
  std::vector<std::shared_ptr<Door>> doors;
  std::thread loop;
  bool stopped = false;
};

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->open();
}

Server::~Server() {
  stop();
}

const std::vector<Listener>& Server::listeners() const noexcept {
  return impl_->listeners;
}

void Server::start(Router router) {
  impl_->core->router = std::make_shared<const Router>(std::move(router));
  for (const auto& door : impl_->doors) door->accept();
  impl_->loop = std::thread([core = impl_->core] { run_loop(core->io); });
}

void Server::replace_routes(Router router) {
  Core& core = *impl_->core;
  core.post([&core, table = std::make_shared<const Router>(std::move(router))]() mutable {
    core.router = std::move(table);
  });
}

void Server::hold(std::optional<Refusal> refusal) {
  Core& core = *impl_->core;
  core.post([&core, held = std::move(refusal)]() mutable {
    if (!core.draining) core.held = std::move(held);
  });
}

void Server::set_keys(std::vector<Key> keys) {
  impl_->core->guard.set_keys(std::move(keys));
}

void Server::set_tls(std::shared_ptr<const Tls> tls) {
  impl_->core->post([impl = impl_.get(), fresh = std::move(tls)]() mutable {
    if (impl->core->tls == nullptr || fresh == nullptr) return;
    impl->core->tls = std::move(fresh);
    impl->name_hosts();
  });
}

void Server::drain() {
  Core& core = *impl_->core;
  core.post([&core] {
    core.draining = true;
    core.held = Refusal(503, "shutting_down", "the server is shutting down");
    const std::vector<Client*> clients(core.clients.begin(), core.clients.end());
    for (Client* client : clients) client->drain();
  });
}

bool Server::wait_idle(std::chrono::milliseconds most) {
  Core& core = *impl_->core;
  std::unique_lock lock(core.idle_mutex);
  return core.idle.wait_for(lock, most, [&] { return core.requests == 0; });
}

void Server::stop() {
  Impl& it = *impl_;
  if (std::exchange(it.stopped, true)) return;
  if (!it.loop.joinable()) it.loop = std::thread([core = it.core] { run_loop(core->io); });
  std::promise<void> closed;
  it.core->post([&] {
    it.close_all();
    closed.set_value();
  });
  closed.get_future().wait();
  it.pool.stop();  // sockets' handlers hear of the close; requests whose readers are gone are skipped
  {
    const std::lock_guard lock(it.core->post_mutex);
    it.core->stopped = true;
  }
  it.work.reset();
  it.loop.join();
}

ServerStats Server::stats() const {
  Core& core = *impl_->core;
  const std::lock_guard lock(core.idle_mutex);
  return {.connections = core.connections,
          .sockets = core.sockets,
          .requests = static_cast<std::size_t>(core.requests)};
}

}  // namespace moonbeam::server
