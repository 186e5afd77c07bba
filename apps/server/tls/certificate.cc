#include "server/tls/certificate.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "server/tls/openssl.h"

namespace moonbeam::server {

namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>>;

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_of(const std::string& bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  return ::inet_ntop(family, bytes.data(), text, sizeof text) == nullptr ? std::string() : std::string(text);
}

/// Days and seconds between a time and a certificate's, with the sign of the difference.
long long seconds_between(std::time_t from, const ASN1_TIME* to) {
  std::unique_ptr<ASN1_TIME, FreedBy<ASN1_TIME_free>> begin(ASN1_TIME_set(nullptr, from));
  int days = 0, seconds = 0;
  if (begin == nullptr || ASN1_TIME_diff(&days, &seconds, begin.get(), to) != 1) return -1;
  return days * 86'400LL + seconds;
}

}  // namespace

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    if (i > 0) text += ':';
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

CertificateNames names_of(const X509* certificate) {
  CertificateNames names;
  const NamesPtr all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_DNS) names.hosts.push_back(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) names.addresses.push_back(address_of(text_of(name->d.iPAddress)));
  }
  std::erase(names.addresses, "");
  return names;
}

long long seconds_left(const X509* certificate, std::time_t now) {
  return seconds_between(now, X509_get0_notAfter(certificate));
}

bool begins_later(const X509* certificate, std::time_t now) {
  return seconds_between(now, X509_get0_notBefore(certificate)) > 0;
}

std::string last_day(const X509* certificate) {
  std::tm time = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return "an unknown day";
  char text[16] = "";
  std::strftime(text, sizeof text, "%Y-%m-%d", &time);
  return text;
}

}  // namespace moonbeam::server
