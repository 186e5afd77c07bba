// A wire as Asio's and Beast's asynchronous operations want it. Inside of the transport only.
#pragma once

#include <array>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <cerrno>

#include "server/http/wire.h"

namespace moonbeam::server {

/// One operation each way at a time, both on the thread of the loop. A plain wire's are the socket's own.
class WireStream {
  using error_code = boost::system::error_code;
  template <typename Token>
  using Result =
      typename boost::asio::async_result<std::decay_t<Token>, void(error_code, std::size_t)>::return_type;

 public:
  using next_layer_type = Wire::tcp::socket;
  using executor_type = next_layer_type::executor_type;

  explicit WireStream(Wire wire) : wire_(std::move(wire)) {}

  executor_type get_executor() noexcept { return wire_.socket().get_executor(); }
  next_layer_type& next_layer() noexcept { return wire_.socket(); }
  const next_layer_type& next_layer() const noexcept { return wire_.socket(); }
  Wire& wire() noexcept { return wire_; }

  template <typename Buffers, typename Token>
  Result<Token> async_read_some(const Buffers& buffers, Token&& token) {
    if (!wire_.is_encrypted()) return wire_.socket().async_read_some(buffers, std::forward<Token>(token));
    return compose(Reading<Buffers>{wire_, buffers, {}}, token);
  }
  template <typename Buffers, typename Token>
  Result<Token> async_write_some(const Buffers& buffers, Token&& token) {
    if (!wire_.is_encrypted()) return wire_.socket().async_write_some(buffers, std::forward<Token>(token));
    return compose(Writing<Buffers>{wire_, buffers, {}}, token);
  }

 private:
  /// What both directions have in common: try, wait, try again; never done before it has begun.
  struct Trying {
    bool waited = false, done = false;
    error_code error = {};
    std::size_t count = 0;

    /// False where it is to be tried again.
    bool take(ssize_t result) {
      if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
      done = true;
      if (result < 0) error.assign(errno, boost::system::system_category());
      if (result == 0) error = boost::asio::error::eof;
      if (result > 0) count = static_cast<std::size_t>(result);
      return true;
    }
    /// Whether the handler may be called now: not from within the call that begins the operation.
    template <typename Self>
    void finish(Self& self, Wire& wire) {
      if (waited) return self.complete(error, count);
      boost::asio::post(wire.socket().get_executor(), std::move(self));
    }
  };

  template <typename Buffers>
  struct Reading {
    Wire& wire;
    Buffers buffers;
    Trying state;

    template <typename Self>
    void operator()(Self& self, const error_code& failed = {}) {
      if (failed || state.done) return self.complete(failed ? failed : state.error, state.count);
      const boost::asio::mutable_buffer first = first_of<boost::asio::mutable_buffer>(buffers);
      if (first.size() == 0) {
        state.done = true;
        return state.finish(self, wire);
      }
      Wire& from = wire;
      if (state.take(from.read(static_cast<char*>(first.data()), first.size())))
        return state.finish(self, from);
      state.waited = true;
      from.socket().async_wait(from.read_needs(), std::move(self));
    }
  };

  template <typename Buffers>
  struct Writing {
    Wire& wire;
    Buffers buffers;
    Trying state;

    template <typename Self>
    void operator()(Self& self, const error_code& failed = {}) {
      if (failed || state.done) return self.complete(failed ? failed : state.error, state.count);
      // Head and body of a frame go into one record, and so into one packet where they fit. The same bytes
      // come again where it has to be tried again.
      std::array<char, Wire::kRecord> gathered;
      boost::asio::const_buffer bytes = first_of<boost::asio::const_buffer>(buffers);
      if (bytes.size() < gathered.size())
        bytes = {gathered.data(), boost::asio::buffer_copy(boost::asio::buffer(gathered), buffers)};
      if (bytes.size() == 0) {
        state.done = true;
        return state.finish(self, wire);
      }
      Wire& to = wire;
      if (state.take(to.write(static_cast<const char*>(bytes.data()), bytes.size())))
        return state.finish(self, to);
      state.waited = true;
      to.socket().async_wait(to.write_needs(), std::move(self));
    }
  };

  template <typename Buffer, typename Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers); ++it) {
      const Buffer one(*it);
      if (one.size() > 0) return one;
    }
    return {};
  }

  template <typename Operation, typename Token>
  Result<Token> compose(Operation operation, Token& token) {
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(std::move(operation), token,
                                                                            wire_.socket());
  }

  mutable Wire wire_;
};

/// Beast's name for the end of a WebSocket: our farewell, then what still comes is read and thrown away.
template <typename Handler>
void async_teardown(boost::beast::role_type role, WireStream& stream, Handler&& handler) {
  if (stream.wire().is_encrypted()) stream.wire().end_writing();
  boost::beast::websocket::async_teardown(role, stream.next_layer(), std::forward<Handler>(handler));
}

}  // namespace moonbeam::server
