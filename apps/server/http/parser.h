// From the bytes of a connection to a request. Beast's parser does the work; what it lets through and RFC
// 9112 does not, or what would be a way to smuggle a second request, is refused here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "server/http/message.h"
#include "server/http/refusal.h"

namespace moonbeam::server {

struct ParseLimits {
  std::size_t head = 16 << 10;  ///< bytes of request line and headers
  std::size_t line = 8 << 10;   ///< bytes of the request line
  std::size_t headers = 100;
  std::size_t body = 20 << 20;
};

class RequestParser {
 public:
  enum class Progress {
    kMore,  ///< all bytes were looked at, the request is not whole
    kHead,  ///< the head is whole, and what it says may be asked; told once, before the body
    kDone,
  };

  explicit RequestParser(const ParseLimits& limits);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  /// Takes what belongs to this request off the front of `bytes`.
  /// @throws Refusal 400, 413, 414, 417, 431, 501, 505. The connection is of no more use then; a head that is
  ///         refused is still there, for path_of_start().
  Progress take(std::string& bytes);

  /// After kHead, before anything is said to the client. @throws Refusal 413 where the body that it announces
  /// is too long.
  void check_body_size() const;
  /// After kHead: everything but the body, whose place is there after kDone. Path and query are set, who
  /// asks is not.
  Request& request() noexcept;
  bool is_http11() const noexcept;
  bool keeps_alive() const noexcept;         ///< the client would send another request
  bool expects_continue() const noexcept;    ///< and waits for 100 before it sends the body
  bool wants_websocket() const noexcept;     ///< Connection: Upgrade, Upgrade: websocket
  std::uint64_t body_size() const noexcept;  ///< as announced; 0 for a body in chunks
  std::size_t body_received() const noexcept;
  bool has_body() const noexcept;
  /// "/v1/point?x=1", as it came, without scheme and host.
  const std::string& target() const noexcept;
  /// Before kHead: the request line so far names this path; for the shape of an error's body.
  static std::string path_of_start(std::string_view bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Percent signs decoded, runs of '/' one. @throws Refusal 400.
std::string clean_path(std::string_view path);

}  // namespace moonbeam::server
