// OpenSSL's objects with owners, and its words for what went wrong.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace moonbeam::server {

template <auto Free>
struct FreedBy {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
inline void free_bio(BIO* bio) noexcept {
  BIO_free(bio);
}
using BioPtr = std::unique_ptr<BIO, FreedBy<free_bio>>;
using X509Ptr = std::unique_ptr<X509, FreedBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;

/// Reads from `text`, which has to outlive it.
inline BioPtr reader_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// The last thing that OpenSSL complained of on this thread; empties its list.
inline std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "OpenSSL does not say why" : reason;
}

}  // namespace moonbeam::server
