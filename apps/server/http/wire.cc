// OpenSSL over the socket itself, without a second set of buffers between; its reads and writes are ours, so
// that a client that is gone is an error and no signal.
#include "server/http/wire.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <utility>

namespace moonbeam::server {

namespace {

constexpr unsigned char kHandshakeRecord = 0x16;  // what every client of TLS says first
constexpr std::size_t kMostAtOnce = 1 << 30;      // OpenSSL counts in int

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int after_transfer(BIO* bio, ssize_t count, int retry) {
  BIO_clear_retry_flags(bio);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  return static_cast<int>(count);
}

int receive(BIO* bio, char* to, int size) {
  ssize_t got = 0;
  do {
    got = ::recv(fd_of(bio), to, static_cast<std::size_t>(size), MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return after_transfer(bio, got, BIO_FLAGS_READ);
}

int send_out(BIO* bio, const char* from, int size) {
  ssize_t sent = 0;
  do {
    sent = ::send(fd_of(bio), from, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return after_transfer(bio, sent, BIO_FLAGS_WRITE);
}

long control(BIO* bio, int what, long, void*) {
  if (what == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return what == BIO_CTRL_FLUSH ? 1 : 0;
}

/// For the life of the program.
const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (made != nullptr) {
      BIO_meth_set_read(made, receive);
      BIO_meth_set_write(made, send_out);
      BIO_meth_set_ctrl(made, control);
    }
    return made;
  }();
  return method;
}

/// Null where memory runs out.
SSL* new_ssl(SSL_CTX* context, int fd) {
  SSL* const ssl = SSL_new(context);
  BIO* const bio = ssl == nullptr || socket_method() == nullptr ? nullptr : BIO_new(socket_method());
  if (bio == nullptr) {
    SSL_free(ssl);
    return nullptr;
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);  // owns it
  SSL_set_accept_state(ssl);
  return ssl;
}

}  // namespace

Wire::Wire(tcp::socket socket, std::shared_ptr<const Tls> tls)
    : socket_(std::move(socket)), fd_(socket_.native_handle()), tls_(std::move(tls)) {}

Wire::~Wire() {
  SSL_free(ssl_);
  if (!watched_ && fd_ >= 0) ::close(fd_);
}

Wire::Wire(Wire&& other) noexcept
    : socket_(std::move(other.socket_)),
      fd_(std::exchange(other.fd_, -1)),
      received_(other.received_),
      watched_(other.watched_),
      is_v6_(other.is_v6_),
      tls_(std::move(other.tls_)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      mistaken_(other.mistaken_),
      broken_(other.broken_),
      read_waits_to_write_(other.read_waits_to_write_),
      write_waits_to_read_(other.write_waits_to_read_) {}

Wire::tcp::socket::wait_type Wire::read_needs() const noexcept {
  return read_waits_to_write_ ? tcp::socket::wait_write : tcp::socket::wait_read;
}

Wire::tcp::socket::wait_type Wire::write_needs() const noexcept {
  return write_waits_to_read_ ? tcp::socket::wait_read : tcp::socket::wait_write;
}

bool Wire::heard_farewell() const noexcept {
  return ssl_ != nullptr && (broken_ || (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0);
}

ssize_t Wire::read(char* to, std::size_t size) noexcept {
  if (tls_ != nullptr) {
    const ssize_t first = decide();
    if (first <= 0) return first;
  }
  if (ssl_ != nullptr) return decrypt(to, size);
  return counted(::recv(fd_, to, size, MSG_DONTWAIT));
}

ssize_t Wire::skip(char* unused, std::size_t size) noexcept {
  return counted(::recv(fd_, unused, size, MSG_DONTWAIT | MSG_TRUNC));
}

ssize_t Wire::counted(ssize_t got) noexcept {
  if (got > 0) received_ += static_cast<std::uint64_t>(got);
  return got;
}

std::uint64_t Wire::received() const noexcept {
  return ssl_ == nullptr ? received_ : received_ + BIO_number_read(SSL_get_rbio(ssl_));
}

ssize_t Wire::write(const char* from, std::size_t size) noexcept {
  if (ssl_ != nullptr) return encrypt(from, size);
  return ::send(fd_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// OpenSSL keeps the descriptor's number, which may be another connection's once the socket is closed.
bool Wire::is_open() const noexcept {
  if (fd_ >= 0 && (!watched_ || socket_.is_open())) return true;
  errno = EBADF;
  return false;
}

/// Above 0 once it is known what the client speaks; one that has not said a word yet costs no more than its
/// socket.
ssize_t Wire::decide() noexcept {
  unsigned char first = 0;
  const ssize_t got = ::recv(fd_, &first, 1, MSG_DONTWAIT | MSG_PEEK);
  if (got <= 0) return got;
  if (first == kHandshakeRecord) {
    ssl_ = new_ssl(tls_->context(), fd_);
    if (ssl_ == nullptr) {
      errno = ENOMEM;
      return -1;
    }
  } else {
    mistaken_ = true;
  }
  tls_.reset();
  return got;
}

bool Wire::is_shaking_hands() const noexcept {
  return ssl_ != nullptr && !broken_ && SSL_is_init_finished(ssl_) == 0;
}

ssize_t Wire::decrypt(char* to, std::size_t size) noexcept {
  if (!is_open()) return -1;
  std::size_t total = 0;
  do {
    ERR_clear_error();
    const int got = SSL_read(ssl_, to + total, static_cast<int>(std::min(size - total, kMostAtOnce)));
    if (got > 0) {
      total += static_cast<std::size_t>(got);
      continue;
    }
    const int why = SSL_get_error(ssl_, got);
    read_waits_to_write_ = why == SSL_ERROR_WANT_WRITE;
    if (why == SSL_ERROR_ZERO_RETURN || total > 0) {
      broken_ = broken_ || why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL;
      break;
    }
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
      errno = EAGAIN;
    } else {
      broken_ = true;
      errno = EPROTO;
    }
    return -1;
  } while (size - total >= kRecord);
  return static_cast<ssize_t>(total);
}

ssize_t Wire::encrypt(const char* from, std::size_t size) noexcept {
  if (!is_open()) return -1;
  ERR_clear_error();
  const int sent = SSL_write(ssl_, from, static_cast<int>(std::min(size, kMostAtOnce)));
  if (sent > 0) return sent;
  const int why = SSL_get_error(ssl_, sent);
  write_waits_to_read_ = why == SSL_ERROR_WANT_READ;
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    errno = EAGAIN;
  } else {
    broken_ = true;
    errno = EPIPE;
  }
  return -1;
}

void Wire::say_farewell() noexcept {
  if (ssl_ == nullptr || broken_ || !is_open() || SSL_is_init_finished(ssl_) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);  // a full kernel loses it
}

void Wire::end_writing() noexcept {
  say_farewell();
  SSL_free(std::exchange(ssl_, nullptr));
  tls_.reset();
  if (is_open()) ::shutdown(fd_, SHUT_WR);
}

void Wire::unwatch() noexcept {
  if (!watched_ || !socket_.is_open()) return;
  boost::system::error_code ignored;
  is_v6_ = socket_.local_endpoint(ignored).address().is_v6();
  watched_ = false;
  socket_.release();
}

/// Where there is no memory for it, whoever waits is told that there is no such socket.
void Wire::watch() noexcept {
  watched_ = true;
  boost::system::error_code failed;
  try {
    socket_.assign(is_v6_ ? tcp::v6() : tcp::v4(), fd_, failed);
  } catch (const std::exception&) {  // Asio keeps a state for it
    failed = boost::asio::error::no_memory;
  }
  if (failed) ::close(std::exchange(fd_, -1));
}

void Wire::close(bool whole) noexcept {
  if (whole) say_farewell();
  SSL_free(std::exchange(ssl_, nullptr));
  tls_.reset();
  boost::system::error_code ignored;
  if (watched_) socket_.close(ignored);
  if (!watched_ && fd_ >= 0) ::close(fd_);
  watched_ = true;
  fd_ = -1;
}

}  // namespace moonbeam::server
