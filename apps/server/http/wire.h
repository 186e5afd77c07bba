// The bytes of a connection, as they are or through TLS. Inside of the transport only.
#pragma once

#include <sys/types.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/tls/tls.h"

struct ssl_st;

namespace moonbeam::server {

/// A socket that never blocks. With TLS the first byte decides: a client that speaks plain HTTP to it is
/// heard as it is, so that it can be told. The handshake happens inside of the first reads.
class Wire {
 public:
  using tcp = boost::asio::ip::tcp;

  explicit Wire(tcp::socket socket, std::shared_ptr<const Tls> tls = {});
  ~Wire();
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&&) = delete;

  /// As recv() and send() that do not wait: the count, 0 at the end, -1 and errno, EAGAIN where it is to be
  /// tried again after a wait for read_needs() or write_needs(). What TLS has decrypted beyond `size` is no
  /// longer in the socket: with a `size` of at least kRecord nothing is.
  ssize_t read(char* to, std::size_t size) noexcept;
  /// As read(), but the bytes are thrown away where they are; not with TLS. The kernel copies nothing.
  ssize_t skip(char* unused, std::size_t size) noexcept;
  ssize_t write(const char* from, std::size_t size) noexcept;
  tcp::socket::wait_type read_needs() const noexcept;
  tcp::socket::wait_type write_needs() const noexcept;
  static constexpr std::size_t kRecord = 16 << 10;  ///< of TLS, at most

  /// Bytes that came over the network so far; with TLS, still encrypted and its handshake with them.
  std::uint64_t received() const noexcept;

  /// The client has said farewell though its socket may be open: read() gives 0 without a wait.
  bool heard_farewell() const noexcept;
  bool is_encrypted() const noexcept { return ssl_ != nullptr; }
  /// Encrypted, or to be.
  bool is_tls() const noexcept { return ssl_ != nullptr || tls_ != nullptr; }
  /// Its handshake has begun and is not over.
  bool is_shaking_hands() const noexcept;
  /// A plain request where TLS is spoken.
  bool is_plain_by_mistake() const noexcept { return mistaken_; }

  /// Says farewell; what is read from then on is to be thrown away.
  void end_writing() noexcept;
  /// `whole`: all that was to be said is with the kernel. Else the client is to see that something is
  /// missing.
  void close(bool whole) noexcept;

  /// The loop hears no more of what happens to it, and waits for it end; read() and write() go on. Only
  /// where neither side is in the middle of a handshake: while read_needs() is wait_read.
  void unwatch() noexcept;
  /// To wait with; watched again from here on.
  tcp::socket& socket() noexcept {
    if (!watched_) watch();
    return socket_;
  }

 private:
  void watch() noexcept;
  ssize_t decide() noexcept;
  bool is_open() const noexcept;
  ssize_t counted(ssize_t got) noexcept;
  ssize_t decrypt(char* to, std::size_t size) noexcept;
  ssize_t encrypt(const char* from, std::size_t size) noexcept;
  void say_farewell() noexcept;

  tcp::socket socket_;          // none while it is not watched
  int fd_;                      // -1 once it is closed
  std::uint64_t received_ = 0;  // without what TLS reads
  bool watched_ = true;
  bool is_v6_ = false;              // what to watch again, while it is not watched
  std::shared_ptr<const Tls> tls_;  // until the first byte is here
  ssl_st* ssl_ = nullptr;
  bool mistaken_ = false, broken_ = false;
  bool read_waits_to_write_ = false, write_waits_to_read_ = false;
};

}  // namespace moonbeam::server
