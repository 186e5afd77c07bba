// SHA-256 of bytes that come piece by piece; the maths is libcrypto's.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace moonbeam::base {

class Sha256 {
 public:
  Sha256();  ///< @throws Error kExhausted
  void update(std::span<const std::byte> bytes);
  /// 64 hexadecimal digits in lower case; call it once, at the end.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace moonbeam::base
