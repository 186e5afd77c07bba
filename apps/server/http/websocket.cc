// WebSockets on Beast: its stream does the protocol, a session here queues, pings and hands events on.
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>

#include "server/http/connection.h"
#include "server/http/wire_stream.h"

namespace moonbeam::server {

namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

constexpr std::size_t kMessagesAhead = 16;  // handed to the handler and not looked at yet

class Session final : public Socket, public Client, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Core> core, Wire wire, std::unique_ptr<Seat> seat, Request request)
      : core_(std::move(core)),
        seat_(std::move(seat)),
        request_(std::move(request)),
        stream_(WireStream(std::move(wire))),
        timer_(core_->io),
        serial_(std::make_shared<Serial>(core_->pool)) {}

  void open(std::shared_ptr<const Router> router, const Route& route, const Headers& extra) {
    core_->clients.insert(this);
    ++core_->sockets;
    stream_.set_option(
        websocket::stream_base::decorator([this, &route, extra](websocket::response_type& response) {
          for (const auto& [name, value] : extra.all()) response.insert(name, value);
          response.set("X-Request-Id", request_.id);
          if (!route.subprotocol.empty() && offers(route.subprotocol))
            response.set("Sec-WebSocket-Protocol", route.subprotocol);
        }));
    stream_.auto_fragment(false);  // a message is one frame and one write
    stream_.read_message_max(core_->options.limits.message);
    stream_.control_callback([this](websocket::frame_type kind, beast::string_view) {
      heard_ = Clock::now();
      // Beast answers the farewell and then waits for the client to hang up, for as long as that may take.
      if (kind == websocket::frame_type::close) hang_up_later();
    });
    handshake_ = {beast::http::verb::get, request_.path, 11};
    for (const auto& [name, value] : request_.headers.all()) handshake_.insert(name, value);
    heard_ = Clock::now();
    tick();
    stream_.async_accept(handshake_, [self = shared_from_this(), router, &route](beast::error_code error) {
      if (error) return self->shut(1006);
      self->introduce(std::move(router), route);
    });
  }

  // Socket, from any thread.
  void send_text(std::string text) override { enqueue(std::move(text), true); }
  void send_binary(std::string bytes) override { enqueue(std::move(bytes), false); }
  std::size_t queued() const noexcept override { return queued_; }
  void close(int code, std::string reason) override {
    core_->post([self = shared_from_this(), code, why = std::move(reason)] { self->say_goodbye(code, why); });
  }

  // Client, on the loop.
  void drain() override { say_goodbye(1001, "the server is shutting down"); }
  void close() override { shut(1001); }

 private:
  struct Message {
    std::string bytes;
    bool text = false;
  };

  bool offers(std::string_view protocol) const {
    const std::string* offered = request_.headers.find("Sec-WebSocket-Protocol");
    if (offered == nullptr) return false;
    const std::vector<std::string_view> all = list_items(*offered);
    return std::find(all.begin(), all.end(), protocol) != all.end();
  }

  /// The handler says what it wants to hear; only then is anything read.
  void introduce(std::shared_ptr<const Router> router, const Route& route) {
    open_ = true;
    if (said_ != 0) return send_close();
    serial_->post([self = shared_from_this(), router, &route] {
      try {
        self->events_ = route.socket(self, self->request_);
      } catch (...) {
        self->close(1011, "internal error");
      }
      self->core_->post([self] { self->read(); });
    });
  }

  void read() {
    if (shut_ || reading_ || ahead_ >= kMessagesAhead || bytes_ahead_ >= core_->options.limits.message)
      return;
    reading_ = true;
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      self->reading_ = false;
      self->heard_ = Clock::now();
      if (error) return self->shut(self->close_code(error));
      self->deliver();
      self->read();
    });
  }

  int close_code(const beast::error_code& error) {
    // A goodbye counts though the connection broke behind it: that client was quick to leave.
    if (const int code = stream_.reason().code; code != 0) return code;
    if (error == websocket::error::closed) return 1005;
    if (error == websocket::error::message_too_big) return 1009;
    return said_ != 0 ? said_ : 1006;
  }

  void deliver() {
    const auto data = buffer_.cdata();
    std::string bytes(static_cast<const char*>(data.data()), data.size());
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > std::size_t{64} << 10) buffer_.shrink_to_fit();
    ++ahead_;
    bytes_ahead_ += bytes.size();
    serial_->post(
        [self = shared_from_this(), text = stream_.got_text(), message = std::move(bytes)]() mutable {
          auto& event = text ? self->events_.on_text : self->events_.on_binary;
          const std::size_t size = message.size();
          try {
            if (event) event(std::move(message));
          } catch (...) {
            self->close(1011, "internal error");
          }
          self->core_->post([self, size] {
            --self->ahead_;
            self->bytes_ahead_ -= size;
            self->read();
          });
        });
  }

  void enqueue(std::string bytes, bool text) {
    queued_ += bytes.size();
    core_->post([self = shared_from_this(), message = Message{std::move(bytes), text}]() mutable {
      if (self->shut_ || self->said_ != 0) {  // after the close: to nobody
        self->queued_ -= message.bytes.size();
        return;
      }
      self->out_.push_back(std::move(message));
      self->write();
    });
  }

  void write() {
    if (writing_ || out_.empty() || !open_ || shut_ || closing_) return;
    writing_ = true;
    written_ = Clock::now();
    stream_.text(out_.front().text);
    stream_.async_write(net::buffer(out_.front().bytes),
                        [self = shared_from_this()](beast::error_code error, std::size_t) {
                          self->writing_ = false;
                          self->queued_ -= self->out_.front().bytes.size();
                          self->out_.pop_front();
                          if (error) return self->shut(1006);
                          if (self->out_.empty() && self->said_ != 0) return self->send_close();
                          self->write();
                        });
  }

  /// What was given to send before goes first.
  void say_goodbye(int code, const std::string& reason) {
    if (said_ != 0 || shut_) return;
    said_ = code;
    reason_ = reason.substr(0, 123);
    said_at_ = Clock::now();
    if (out_.empty() && open_) send_close();
  }

  void send_close() {
    if (closing_ || shut_) return;
    closing_ = true;
    const websocket::close_reason reason(static_cast<websocket::close_code>(said_), reason_);
    stream_.async_close(reason, [self = shared_from_this()](beast::error_code) { self->shut(self->said_); });
  }

  void hang_up_later() {
    timer_.expires_after(core_->options.limits.head_time);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->shut(self->close_code(websocket::error::closed));
    });
  }

  void tick() {
    timer_.expires_after(core_->options.limits.socket_ping);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || self->shut_) return;
      self->look_after();
    });
  }

  void look_after() {
    const Limits& limits = core_->options.limits;
    const Clock::time_point now = Clock::now();
    const bool silent = now - heard_ > limits.socket_idle;
    const bool stuck = writing_ && now - written_ > limits.stall_time;
    const bool overdue = said_ != 0 && now - said_at_ > limits.stall_time;
    if (silent || stuck || overdue || !open_) return shut(1006);
    if (!pinging_ && !closing_) {
      pinging_ = true;
      stream_.async_ping({}, [self = shared_from_this()](beast::error_code) { self->pinging_ = false; });
    }
    tick();
  }

  void shut(int code) {
    if (std::exchange(shut_, true)) return;
    const auto self = shared_from_this();
    timer_.cancel();
    stream_.next_layer().wire().close(false);
    core_->clients.erase(this);
    --core_->sockets;
    seat_.reset();
    serial_->post([self, code] {
      try {
        if (self->events_.on_close) self->events_.on_close(code);
      } catch (...) {  // nobody is left to tell
      }
      self->events_ = {};  // may hold the socket
    });
  }

  std::shared_ptr<Core> core_;
  std::unique_ptr<Seat> seat_;
  Request request_;
  beast::http::request<beast::http::empty_body> handshake_;
  websocket::stream<WireStream, false> stream_;  // false: no compression
  net::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::deque<Message> out_;
  std::atomic<std::size_t> queued_{0};
  std::shared_ptr<Serial> serial_;
  SocketEvents events_;  // the serial's alone
  std::size_t ahead_ = 0, bytes_ahead_ = 0;
  bool open_ = false, reading_ = false, writing_ = false, closing_ = false, pinging_ = false, shut_ = false;
  int said_ = 0;  // the code of our close
  std::string reason_;
  Clock::time_point heard_, written_, said_at_;
};

}  // namespace

void open_websocket(std::shared_ptr<Core> core, Wire wire, std::unique_ptr<Seat> seat, Request request,
                    std::shared_ptr<const Router> router, const Route& route, const Headers& extra) {
  std::make_shared<Session>(std::move(core), std::move(wire), std::move(seat), std::move(request))
      ->open(std::move(router), route, extra);
}

}  // namespace moonbeam::server
