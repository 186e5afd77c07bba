// One HTTP connection: its phases, their deadlines, what is read and what is written. Lives on the loop's
// thread. Inside of the transport only.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "server/http/core.h"
#include "server/http/exchange.h"
#include "server/http/wire.h"

namespace moonbeam::server {

/// How far a request is, between its exchange (any thread) and its connection (the loop).
struct Fate {
  std::mutex mutex;
  bool ended = false;
  bool gone = false;
  bool closed = false;  // nothing can be answered any more
  std::function<void()> on_gone;
  Account account;
};

class Connection final : public Client, public Waiting, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Core> core, Wire wire, std::unique_ptr<Seat> seat, std::string local);
  ~Connection() override;
  void start();
  void drain() override;
  void close() override;
  bool look() noexcept override;

  // From exchanges, on the loop, while this request is the one in work.
  bool serves(const std::shared_ptr<Fate>& fate) const noexcept { return fate == fate_; }
  void answer(Response response);
  void begin(Response head, std::string ping);
  void piece(std::string bytes);
  void end();
  void let_go();  ///< the exchange is no more, and did not end
  Core& core() noexcept { return *core_; }

 private:
  enum class Phase { kIdle, kHead, kBody, kHandling, kStreaming, kFlushing, kLingering, kClosed };

  // Reading.
  void wait_readable();
  void on_readable();
  void advance();
  bool step();
  bool parse();
  void skip_blank_lines();
  void read_head();
  void route_head();
  void dispatch();
  std::optional<Refusal> no_room() const;
  void refuse_unread(const Refusal& refusal);
  void take(std::string_view bytes);
  void hand_over(std::shared_ptr<Exchange> exchange);
  bool may_be_slow() const noexcept;
  bool is_slow();
  Clock::duration patience() const noexcept;
  void join_waiting_room();
  void upgrade();

  // Answering.
  void refuse(const Refusal& refusal);
  void push(std::string bytes);
  void pump();
  void flushed();
  void trim();
  void linger();
  void lost();  ///< the reader is away
  void report();

  // Time.
  void set_deadline(Clock::duration after) { deadline_ = Clock::now() + after; }
  void arm();
  void on_timer();
  void on_deadline();
  Clock::time_point next_time() const;

  std::shared_ptr<Core> core_;
  Wire wire_;
  std::unique_ptr<Seat> seat_;
  std::string local_;
  net::steady_timer timer_;
  Clock::time_point armed_ = Clock::time_point::max();  // when timer_ fires

  Phase phase_ = Phase::kIdle;
  bool first_ = true;  // no request came yet
  bool reading_ = false, advancing_ = false, eof_ = false;
  bool in_waiting_room_ = false;  // which reads then, and looks at the clock
  unsigned looks_ = 0;            // since it came there
  bool known_ = true;             // among core_->clients
  // Since when bytes are counted, to tell whether a request is slow, and how many had come by then.
  Clock::time_point counted_from_;
  std::uint64_t counted_bytes_ = 0;
  std::string in_;
  std::uint64_t unwanted_ = 0;  // bytes of a refused body that are still to come

  std::deque<std::string> out_;
  std::size_t out_at_ = 0, out_bytes_ = 0;  // out_at_: of the first piece
  bool writing_ = false;                    // the kernel takes no more for now
  Clock::time_point progress_;              // in writing

  // Of the request in work.
  std::unique_ptr<RequestParser> parser_;
  std::shared_ptr<Fate> fate_;
  std::shared_ptr<const Router> router_;  // route_ points into it
  const Route* route_ = nullptr;
  Admission admission_;
  Clock::time_point deadline_ = Clock::time_point::max(), begun_;
  bool http11_ = true, keep_alive_ = true, head_only_ = false, body_open_ = false;
  bool chunked_ = false, counted_ = false, in_work_ = false, reported_ = true, done_ = false;
  int status_ = 0;
  std::string code_, ping_;
  std::size_t bytes_in_ = 0, bytes_out_ = 0, held_ = 0;
  Request record_;  // who asked what, without headers and body: for the log
};

/// Takes over the wire of an accepted handshake.
void open_websocket(std::shared_ptr<Core> core, Wire wire, std::unique_ptr<Seat> seat, Request request,
                    std::shared_ptr<const Router> router, const Route& route, const Headers& extra);

}  // namespace moonbeam::server
