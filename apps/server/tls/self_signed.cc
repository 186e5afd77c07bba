#include "server/tls/self_signed.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"
#include "server/tls/certificate.h"
#include "server/tls/openssl.h"

namespace moonbeam::server {

namespace fs = std::filesystem;

namespace {

constexpr long kDay = 86'400;
constexpr long kDays = 397;  // browsers refuse more than 398
constexpr long kClockSlip = 3'600;
constexpr long long kWorthKeeping = 7 * kDay;
constexpr std::size_t kMostAddresses = 32;  // old networks are forgotten beyond

[[noreturn]] void give_up() {
  base::fail(ErrorCode::kExhausted, "a certificate cannot be made: ", openssl_reason());
}
void must(bool done) {
  if (!done) give_up();
}

bool lists(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}
void add_missing(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const std::string& one : from) {
    if (!lists(to, one)) to.push_back(one);
  }
}

CertificateNames wanted_names(const MachineNames& names) {
  CertificateNames wanted{.hosts = {"localhost"}, .addresses = {"127.0.0.1", "::1"}};
  add_missing(wanted.hosts, names.hosts);
  add_missing(wanted.addresses, names.addresses);
  return wanted;
}

/// The certificate that lies there; null where there is none that goes with its key.
X509Ptr kept_certificate(const std::string& path) {
  try {
    const std::string text = base::read_file(path, 1 << 20);
    bool asked = false;
    const auto no_passphrase = [](char*, int, int, void* flag) {
      *static_cast<bool*>(flag) = true;
      return -1;
    };
    const KeyPtr key(PEM_read_bio_PrivateKey(reader_of(text).get(), nullptr, no_passphrase, &asked));
    X509Ptr certificate(PEM_read_bio_X509(reader_of(text).get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (key == nullptr || certificate == nullptr) return {};
    return EVP_PKEY_eq(X509_get0_pubkey(certificate.get()), key.get()) == 1 ? std::move(certificate)
                                                                            : X509Ptr();
  } catch (const Error&) {
    return {};
  }
}

bool covers(const CertificateNames& has, const CertificateNames& wanted) {
  const auto all = [](const std::vector<std::string>& of, const std::vector<std::string>& in) {
    return std::all_of(of.begin(), of.end(), [&](const std::string& one) { return lists(in, one); });
  };
  return all(wanted.hosts, has.hosts) && all(wanted.addresses, has.addresses);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void set_serial(X509* certificate) {
  std::array<unsigned char, 16> random;
  must(RAND_bytes(random.data(), random.size()) == 1);
  random[0] = (random[0] & 0x7f) | 0x40;  // positive, and always as long
  const std::unique_ptr<BIGNUM, FreedBy<BN_free>> number(BN_bin2bn(random.data(), random.size(), nullptr));
  must(number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

X509Ptr make_certificate(EVP_PKEY* key, const CertificateNames& names, std::time_t now) {
  X509Ptr certificate(X509_new());
  must(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  set_serial(certificate.get());
  must(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), now - kClockSlip) != nullptr);
  must(ASN1_TIME_set(X509_getm_notAfter(certificate.get()), now + kDays * kDay) != nullptr);
  const std::string title = "Moonbeam on " + (names.hosts.size() > 1 ? names.hosts[1] : names.hosts[0]);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  constexpr std::size_t kMostOfTitle = 64;  // what the standard allows
  must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                  reinterpret_cast<const unsigned char*>(title.c_str()),
                                  static_cast<int>(std::min(title.size(), kMostOfTitle)), -1, 0) == 1);
  must(X509_set_issuer_name(certificate.get(), subject) == 1);
  must(X509_set_pubkey(certificate.get(), key) == 1);
  std::string alternatives;
  for (const std::string& host : names.hosts)
    alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + host;
  for (const std::string& address : names.addresses) alternatives += ",IP:" + address;
  // No authority: whoever steals the key becomes this server, and no other.
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), NID_subject_alt_name, alternatives);
  must(X509_sign(certificate.get(), key, EVP_sha256()) > 0);
  return certificate;
}

std::string pem_of(EVP_PKEY* key, X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(bio != nullptr &&
       PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  must(PEM_write_bio_X509(bio.get(), certificate) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// The file is there with its mode before anything is in it: a file that is replaced passes its mode on.
void write_secret(const std::string& path, const std::string& text) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  fs::create_directories(folder.parent_path(), error);
  if (error) base::fail_system(folder.parent_path().string(), "cannot create", error.value());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    base::fail_system(folder.string(), "cannot create", errno);
  const base::Descriptor file(base::open_descriptor(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600));
  if (file.get() < 0) base::fail_system(path, "cannot create", errno);
  if (::fchmod(file.get(), 0600) != 0) base::fail_system(path, "cannot be made private", errno);
  base::AtomicFile whole(path);
  whole.write(text);
  whole.commit();
}

}  // namespace

std::string self_signed_file() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  const std::string name = "/moonbeam/self-signed.pem";
  if (state != nullptr && state[0] == '/') return state + name;
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.local/state" + name;
  base::fail(ErrorCode::kInvalidArgument,
             "--tls-self-signed: expected HOME or XDG_STATE_HOME to be set: the certificate is kept there");
}

bool keep_self_signed(const std::string& path, const MachineNames& names, std::time_t now) {
  CertificateNames wanted = wanted_names(names);
  if (const X509Ptr kept = kept_certificate(path)) {
    const CertificateNames has = names_of(kept.get());
    const bool good = seconds_left(kept.get(), now) > kWorthKeeping && !begins_later(kept.get(), now);
    if (good && covers(has, wanted)) {
      ::chmod(path.c_str(), 0600);
      return false;
    }
    add_missing(wanted.hosts, has.hosts);
    add_missing(wanted.addresses, has.addresses);
    if (wanted.hosts.size() > kMostAddresses) wanted.hosts.resize(kMostAddresses);
    if (wanted.addresses.size() > kMostAddresses) wanted.addresses.resize(kMostAddresses);
  }
  const KeyPtr key(EVP_EC_gen("P-256"));
  must(key != nullptr);
  const X509Ptr certificate = make_certificate(key.get(), wanted, now);
  write_secret(path, pem_of(key.get(), certificate.get()));
  return true;
}

}  // namespace moonbeam::server
