// What a server needs to speak TLS: a certificate and its key, checked, ready for connections.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace moonbeam::server {

/// PEM files; they may be one.
struct TlsFiles {
  std::string certificate;  ///< the server's own first, then those that lead to its issuer
  std::string key;
};

/// TLS 1.2 and up, HTTP/1.1 by ALPN. Never changes once read.
class Tls {
 public:
  /// @throws Error kNotFound (a file is missing or may not be read), kInvalidArgument (no PEM, a key that
  /// asks
  ///         for a passphrase, a key of another certificate), each naming the file and what helps.
  static std::shared_ptr<const Tls> read(const TlsFiles& files);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// SHA-256 of the certificate, as browsers show it.
  const std::string& fingerprint() const noexcept { return fingerprint_; }
  /// Names that clients may call the server by; those with * in them are left out.
  const std::vector<std::string>& hosts() const noexcept { return hosts_; }
  /// What keeps browsers from trusting it, such as its age; empty where nothing is known.
  const std::string& warning() const noexcept { return warning_; }

  ssl_ctx_st* context() const noexcept { return context_; }

 private:
  Tls();
  ssl_ctx_st* context_ = nullptr;
  std::string fingerprint_, warning_;
  std::vector<std::string> hosts_;
};

}  // namespace moonbeam::server
