// TLS for the client of the tests. MOONBEAM_TEST_TLS=1 has servers and clients of the tests speak it, so that
// the same tests hold for both.
#pragma once

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "server/tls/certificate.h"
#include "server/tls/openssl.h"
#include "server/tls/self_signed.h"

namespace moonbeam::server {

inline bool tests_speak_tls() {
  const char* const wanted = std::getenv("MOONBEAM_TEST_TLS");
  return wanted != nullptr && wanted[0] == '1';
}

/// A certificate of its own for each call.
inline std::shared_ptr<const Tls> make_test_tls(const MachineNames& names = {}) {
  std::string folder = (std::filesystem::temp_directory_path() / "moonbeam_tls_XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return {};
  const std::string file = folder + "/made/self-signed.pem";
  keep_self_signed(file, names);
  auto tls = Tls::read({.certificate = file, .key = file});
  std::filesystem::remove_all(folder);
  return tls;
}

/// What the servers of the tests are given: nothing, unless they are to speak TLS.
inline std::shared_ptr<const Tls> tls_of_tests() {
  static const std::shared_ptr<const Tls> tls = tests_speak_tls() ? make_test_tls() : nullptr;
  return tls;
}

/// One side of a connection: any certificate will do. Reads and writes may come from two threads.
class TestTls {
 public:
  /// Shakes hands; `newest` is the newest version to offer, 0 for any.
  explicit TestTls(int fd, int newest = 0) : fd_(fd), context_(SSL_CTX_new(TLS_client_method())) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_clear_mode(context_.get(), SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (newest != 0) {
      SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context_.get(), newest);
      SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    }
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    static constexpr unsigned char kOffered[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_.get(), kOffered, sizeof kOffered - 1);
    shaken_ = until_done(5000, [this] { return SSL_connect(ssl_.get()); }) > 0;
  }

  bool shaken() const { return shaken_; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string fingerprint() const {
    const X509Ptr certificate(SSL_get1_peer_certificate(ssl_.get()));
    return certificate == nullptr ? std::string() : fingerprint_of(certificate.get());
  }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  /// The server said that nothing is missing.
  bool heard_farewell() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
  void say_farewell() {
    if (shaken_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  ssize_t send(const char* bytes, std::size_t size) {
    return until_done(20'000, [&] { return SSL_write(ssl_.get(), bytes, static_cast<int>(size)); });
  }
  /// 0 at the end, -1 where nothing comes for `ms`.
  ssize_t receive(char* to, std::size_t size, int ms) {
    return until_done(ms, [&] { return SSL_read(ssl_.get(), to, static_cast<int>(size)); });
  }

 private:
  template <typename Act>
  ssize_t until_done(int ms, Act act) {
    for (;;) {
      int why = 0;
      {
        const std::lock_guard lock(mutex_);
        ERR_clear_error();
        const int done = act();
        if (done > 0) return done;
        why = SSL_get_error(ssl_.get(), done);
      }
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return 0;
      pollfd wait = {fd_, static_cast<short>(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
      if (::poll(&wait, 1, ms) <= 0) return -1;
    }
  }

  int fd_;
  std::mutex mutex_;
  std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, FreedBy<SSL_free>> ssl_;
  bool shaken_ = false;
};

}  // namespace moonbeam::server
