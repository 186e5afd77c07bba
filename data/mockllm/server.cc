#include "data/mockllm/server.h"

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/machine.h"
#include "data/llm/limits.h"

namespace moonbeam::mockllm {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using Code = boost::system::error_code;

constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr std::uint64_t kHugeBody = std::uint64_t{1} << 30;
constexpr auto kDripEvery = std::chrono::milliseconds(100);

std::string head_of(const MockReply& reply, std::uint64_t length, bool keep) {
  std::string out =
      "HTTP/1.1 " + std::to_string(reply.status) + " " +
      std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(reply.status)))) +
      "\r\nX-Moonbeam-Mock: true\r\nContent-Type: " + reply.content_type +
      "\r\nContent-Length: " + std::to_string(length) + "\r\n";
  if (!reply.retry_after.empty()) out += "Retry-After: " + reply.retry_after + "\r\n";
  if (!keep) out += "Connection: close\r\n";
  return out + "\r\n";
}

std::chrono::microseconds microseconds(double ms) {
  return std::chrono::microseconds(static_cast<std::int64_t>(ms * 1000));
}

}  // namespace

struct Server::State {
  class Session;
  ServerOptions options;
  Mock mock;
  llm::TokenBucket rate;
  int port = 0;
  std::atomic<std::uint64_t> requests{0}, answered{0}, sent_away{0};
  std::atomic<int> in_flight{0}, most_in_flight{0};
  asio::io_context io{1};  // sessions end with it, and count themselves out
  tcp::acceptor acceptor{io};
  std::thread thread;

  explicit State(ServerOptions given)
      : options(std::move(given)), mock(options.mock), rate(options.per_minute) {}
  void listen();
  void accept();
  /// What a request is answered, and the counts of it.
  MockReply answer(const MockRequest& request);
};

/// One connection: requests one after another, each with its answer or what goes wrong with it. Lives as long
/// as something of it is under way. All on the server's one thread.
class Server::State::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, State& state) : socket_(std::move(socket)), timer_(state.io), state_(state) {}
  ~Session() { leave(); }

  void read() {
    parser_.emplace();
    parser_->body_limit(state_.options.max_body);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](Code error, std::size_t) {
      if (!error) self->on_request();
    });
  }

 private:
  void on_request() {
    const auto& message = parser_->get();
    keep_ = message.keep_alive();
    MockRequest request{std::string(message.method_string()), std::string(message.target()),
                        std::string(message[http::field::authorization]), message.body()};
    const int now = ++state_.in_flight;
    counted_ = true;
    if (now > state_.most_in_flight) state_.most_in_flight = now;
    reply_ = state_.answer(request);
    double wait = reply_.status == 200
                      ? state_.options.latency_ms + state_.options.token_ms * reply_.completion_tokens
                      : 0;
    if (is(Fault::kSlow)) wait += reply_.way->ms;
    if (wait <= 0) {
      write();
      return;
    }
    timer_.expires_after(microseconds(wait));
    timer_.async_wait([self = shared_from_this()](Code error) {
      if (!error) self->write();
    });
  }

  bool is(Fault fault) const { return reply_.way != nullptr && reply_.way->fault == fault; }

  void write() {
    if (is(Fault::kHang)) return hang();
    if (is(Fault::kReset)) return reset();
    if (is(Fault::kHuge)) return write_head(kHugeBody);
    if (is(Fault::kHeaders)) return write_headers(0);
    out_ = reply_.body;
    if (is(Fault::kTruncated)) out_.resize(out_.size() / 2);
    if (is(Fault::kNotHttp)) {
      out_ = "\x16\x03\x01 this is no HTTP\n";
      keep_ = false;
      return write_out();
    }
    const bool lies = is(Fault::kWrongLength);
    if (lies) keep_ = false;
    out_ = head_of(reply_, out_.size() + (lies ? 100 : 0), keep_) + out_;
    if (is(Fault::kDrip)) return drip(0);
    if (is(Fault::kResetBody)) {
      out_.resize(out_.size() - reply_.body.size() / 2);
      asio::async_write(socket_, asio::buffer(out_),
                        [self = shared_from_this()](Code, std::size_t) { self->reset(); });
      return;
    }
    write_out();
  }

  void write_out() {
    leave();  // before the answer is out: whoever has read it may ask at once
    asio::async_write(socket_, asio::buffer(out_), [self = shared_from_this()](Code error, std::size_t) {
      if (error) return;
      if (self->keep_) return self->read();
      Code ignored;
      self->socket_.shutdown(tcp::socket::shutdown_both, ignored);
    });
  }

  /// Until the other side has had enough.
  void hang() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Code) {});
  }

  void reset() {
    Code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

  void drip(std::size_t at) {
    if (at >= out_.size()) return;
    asio::async_write(socket_, asio::buffer(out_.data() + at, 1),
                      [self = shared_from_this(), at](Code error, std::size_t) {
                        if (error) return;
                        self->timer_.expires_after(kDripEvery);
                        self->timer_.async_wait([self, at](Code stopped) {
                          if (!stopped) self->drip(at + 1);
                        });
                      });
  }

  void write_head(std::uint64_t length) {
    out_ = head_of(reply_, length, true);
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), length](Code error, std::size_t) {
                        if (error) return;
                        self->out_.assign(kPiece, ' ');
                        self->write_body(length);
                      });
  }

  void write_body(std::uint64_t left) {
    if (left == 0) return;
    const std::size_t piece = std::min<std::uint64_t>(left, out_.size());
    asio::async_write(socket_, asio::buffer(out_.data(), piece),
                      [self = shared_from_this(), left](Code error, std::size_t written) {
                        if (!error) self->write_body(left - written);
                      });
  }

  void write_headers(std::size_t written) {
    if (written == 0) out_ = "HTTP/1.1 200 OK\r\n";
    if (written > 0) {
      out_.clear();
      while (out_.size() < kPiece)
        out_ += "X-Flood-" + std::to_string(out_.size()) + ": " + std::string(200, 'x') + "\r\n";
    }
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), written](Code error, std::size_t more) {
                        if (!error && written < kHugeBody) self->write_headers(written + more);
                      });
  }

  void leave() {
    if (counted_) --state_.in_flight;
    counted_ = false;
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  State& state_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  MockReply reply_;
  std::string out_;
  bool keep_ = true, counted_ = false;
};

MockReply Server::State::answer(const MockRequest& request) {
  ++requests;
  const bool posts = request.method == "POST";
  const double now = base::now_ms();
  if (posts && options.capacity > 0 && in_flight > options.capacity) {
    ++sent_away;
    return mock.error(429, "too many at a time", "rate_limited");
  }
  if (posts && options.per_minute > 0) {
    if (rate.ready_at(1, now) > now) {
      ++sent_away;
      MockReply reply = mock.error(429, "too many a minute", "rate_limited");
      reply.retry_after = "1";
      return reply;
    }
    rate.take(1, now);
  }
  MockReply reply = mock.handle(request);
  if (reply.status == 200) ++answered;
  return reply;
}

void Server::State::listen() {
  Code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    base::fail(ErrorCode::kInvalidArgument, "'", base::printable(options.address), "': expected an address");
  }
  const tcp::endpoint where(address, static_cast<std::uint16_t>(options.port));
  acceptor.open(where.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(where, error);
  if (!error) acceptor.listen(4096, error);
  if (error) {
    base::fail(ErrorCode::kExhausted, options.address, ":", options.port, ": ", error.message());
  }
  port = acceptor.local_endpoint().port();
}

void Server::State::accept() {
  acceptor.async_accept([this](Code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      Code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Session>(std::move(socket), *this)->read();
    }
    accept();
  });
}

Server::Server(ServerOptions options) : state_(std::make_unique<State>(std::move(options))) {
  state_->listen();
  state_->accept();
  state_->thread = std::thread([state = state_.get()] { state->io.run(); });
}

Server::~Server() {
  state_->io.stop();
  state_->thread.join();
}

int Server::port() const noexcept {
  return state_->port;
}

std::string Server::url() const {
  return "http://" + state_->options.address + ":" + std::to_string(state_->port) + "/v1";
}

ServerCounts Server::counts() const {
  const State& state = *state_;
  return {state.requests,  state.answered,       state.sent_away,
          state.in_flight, state.most_in_flight, state.mock.fault_counts()};
}

}  // namespace moonbeam::mockllm
