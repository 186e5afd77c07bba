// Calls of handlers, from any thread, become jobs on the connection's own.
#include "server/http/live.h"

#include <utility>

namespace moonbeam::server {

Live::Live(std::shared_ptr<Connection> connection, std::shared_ptr<Fate> fate, Request request)
    : connection_(std::move(connection)), fate_(std::move(fate)), request_(std::move(request)) {}

Live::~Live() {
  if (end()) post([](Connection& connection) { connection.let_go(); });
}

template <typename Job>
void Live::post(Job job) {
  connection_->core().post([connection = connection_, fate = fate_, on_loop = std::move(job)]() mutable {
    if (connection->serves(fate)) on_loop(*connection);
  });
}

bool Live::end() {
  std::function<void()> unused;  // may hold this exchange: let go without the lock
  const std::lock_guard lock(fate_->mutex);
  unused.swap(fate_->on_gone);
  return !std::exchange(fate_->ended, true);
}

bool Live::has_ended() const {
  const std::lock_guard lock(fate_->mutex);
  return fate_->ended;
}

void Live::send(Response response) {
  if (!end()) return;
  post([answer = std::move(response)](Connection& connection) mutable {
    connection.answer(std::move(answer));
  });
}

void Live::start(Response head, std::string ping) {
  if (has_ended()) return;
  post([first = std::move(head), mark = std::move(ping)](Connection& connection) mutable {
    connection.begin(std::move(first), std::move(mark));
  });
}

void Live::write(std::string piece) {
  if (has_ended()) return;
  post([bytes = std::move(piece)](Connection& connection) mutable { connection.piece(std::move(bytes)); });
}

void Live::finish() {
  if (!end()) return;
  post([](Connection& connection) { connection.end(); });
}

void Live::on_gone(std::function<void()> gone) {
  {
    const std::lock_guard lock(fate_->mutex);
    if (fate_->ended) return;
    if (!fate_->gone) {
      fate_->on_gone = std::move(gone);
      return;
    }
  }
  gone();
}

void Live::account(Account account) {
  const std::lock_guard lock(fate_->mutex);
  if (!fate_->ended) fate_->account = std::move(account);
}

}  // namespace moonbeam::server
