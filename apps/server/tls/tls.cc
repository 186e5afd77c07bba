// Files are read by us and parsed from memory: so a message names the file, and nothing asks for a passphrase
// on the terminal.
#include "server/tls/tls.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <ctime>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "server/tls/certificate.h"
#include "server/tls/openssl.h"

namespace moonbeam::server {

namespace {

constexpr std::size_t kMostBytes = 1 << 20;
// Those with forward secrecy and authenticated encryption; TLS 1.3 has no others.
constexpr const char* kCiphersOfTls12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  base::fail(ErrorCode::kInvalidArgument, base::printable(path), ": ", what);
}

std::string read_named(const std::string& path, const char* what) {
  try {
    return base::read_file(path, kMostBytes);
  } catch (const Error& error) {
    throw Error(error.code(), std::string(error.what()) + "; expected " + what);
  }
}

bool holds(std::string_view text, std::string_view words) {
  return text.find(words) != std::string_view::npos;
}

/// What a file without what it should hold is instead.
std::string hint(const std::string& text, const std::string& path, bool certificate) {
  if (text.empty()) return ", got an empty file";
  if (certificate && holds(text, "PRIVATE KEY-----")) return ", got a key: are the two files exchanged?";
  if (!certificate && holds(text, "-----BEGIN CERTIFICATE"))
    return ", got a certificate: are the two files exchanged?";
  if (text.front() == 0x30) {  // a sequence of ASN.1
    return std::string(", got DER: openssl ") + (certificate ? "x509" : "pkey") + " -inform DER -in " +
           base::printable(path) + " -out NEW.pem";
  }
  return ", got something else, or a damaged one";
}

/// Certificates in the order of the file; at least one.
std::vector<X509Ptr> certificates_in(const std::string& path) {
  const std::string text = read_named(path, "a certificate in PEM");
  const BioPtr bio = reader_of(text);
  std::vector<X509Ptr> all;
  ERR_clear_error();
  for (;;) {
    X509Ptr one(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (one == nullptr) break;
    all.push_back(std::move(one));
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (all.empty()) refuse(path, "expected a certificate in PEM" + hint(text, path, true));
  if (!at_end) refuse(path, "certificate " + std::to_string(all.size() + 1) + " of the chain is damaged");
  return all;
}

/// Instead of OpenSSL's own, which asks at the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

KeyPtr key_in(const std::string& path) {
  const std::string text = read_named(path, "a private key in PEM");
  const BioPtr bio = reader_of(text);
  bool asked = false;
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
  ERR_clear_error();
  if (key != nullptr) return key;
  if (asked) {
    const std::string name = base::printable(path);
    refuse(path, "the key asks for a passphrase: openssl pkey -in " + name + " -out NEW.pem takes it off");
  }
  refuse(path, "expected a private key in PEM" + hint(text, path, false));
}

void check_pair(const TlsFiles& files, const std::vector<X509Ptr>& chain, const EVP_PKEY* key) {
  const auto fits = [&](const X509Ptr& one) { return EVP_PKEY_eq(X509_get0_pubkey(one.get()), key) == 1; };
  if (fits(chain.front())) return;
  ERR_clear_error();
  if (std::any_of(chain.begin(), chain.end(), fits))
    refuse(files.certificate, "the server's own certificate has to be the first of the chain");
  refuse(files.key, "not the key of the certificate in " + base::printable(files.certificate));
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, kOurs, sizeof kOurs - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;  // HTTP/1.1 is what such a client gets, as one that offers nothing does
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void set_up(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphersOfTls12);
  // A client that hangs up without a farewell is at its end; requests say their own length.
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION);
  // Buffers go while nothing comes, and a piece that is sent again may have moved.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // clients keep tickets
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

std::string warning_about(const X509* certificate) {
  const std::time_t now = std::time(nullptr);
  if (seconds_left(certificate, now) < 0) return "the certificate ended on " + last_day(certificate);
  if (begins_later(certificate, now)) return "the certificate is not good yet; is the clock right?";
  return {};
}

}  // namespace

Tls::Tls() : context_(SSL_CTX_new(TLS_server_method())) {
  if (context_ == nullptr) base::fail(ErrorCode::kExhausted, "TLS cannot be set up: ", openssl_reason());
}

Tls::~Tls() {
  SSL_CTX_free(context_);
}

std::shared_ptr<const Tls> Tls::read(const TlsFiles& files) {
  std::vector<X509Ptr> chain = certificates_in(files.certificate);
  const KeyPtr key = key_in(files.key);
  check_pair(files, chain, key.get());
  const std::shared_ptr<Tls> tls(new Tls());
  SSL_CTX* const context = tls->context_;
  set_up(context);
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    refuse(files.certificate, "the certificate cannot be used: " + openssl_reason());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1)
      refuse(files.certificate,
             "certificate " + std::to_string(i + 1) + " of the chain cannot be used: " + openssl_reason());
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    refuse(files.key, "the key cannot be used: " + openssl_reason());
  tls->fingerprint_ = fingerprint_of(chain.front().get());
  tls->warning_ = warning_about(chain.front().get());
  for (std::string& host : names_of(chain.front().get()).hosts) {
    if (host.find('*') == std::string::npos) tls->hosts_.push_back(std::move(host));
  }
  return tls;
}

}  // namespace moonbeam::server
