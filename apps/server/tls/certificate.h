// What a certificate says: whose it is, until when, and its fingerprint.
#pragma once

#include <openssl/x509.h>

#include <ctime>
#include <string>
#include <vector>

namespace moonbeam::server {

/// SHA-256 of the certificate as browsers show it: "0A:1B:..."
std::string fingerprint_of(const X509* certificate);

/// DNS names and addresses that it is good for, as people write them.
struct CertificateNames {
  std::vector<std::string> hosts, addresses;
};
CertificateNames names_of(const X509* certificate);

/// Seconds from `now` until it ends; negative where it has.
long long seconds_left(const X509* certificate, std::time_t now);
/// Whether it is not good yet.
bool begins_later(const X509* certificate, std::time_t now);
/// "2027-12-28"
std::string last_day(const X509* certificate);

}  // namespace moonbeam::server
