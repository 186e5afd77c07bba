// Files that are no certificate, and how that is said.
#include "server/tls/tls.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "base/test_folder.h"
#include "server/tls/openssl.h"
#include "server/tls/self_signed.h"

namespace moonbeam::server {
namespace {

constexpr const char* kCertificate = "-----BEGIN CERTIFICATE-----";

/// Two pairs, each as a file of both and as two files.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    for (const char* name : {"one", "two"}) {
      const std::string file = folder_ / (std::string(name) + "/both.pem");
      keep_self_signed(file, {.hosts = {name, "*.wild.example"}, .addresses = {}, .main_address = {}});
      const std::string text = folder_.get(std::string(name) + "/both.pem");
      folder_.put(std::string(name) + "/key.pem", text.substr(0, text.find(kCertificate)));
      folder_.put(std::string(name) + "/cert.pem", text.substr(text.find(kCertificate)));
    }
  }

  std::shared_ptr<const Tls> read(const std::string& certificate, const std::string& key) const {
    return Tls::read({.certificate = folder_ / certificate, .key = folder_ / key});
  }
  std::string complaint(const std::string& certificate, const std::string& key, ErrorCode code) const {
    try {
      read(certificate, key);
      return "none";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      const std::string what = error.what();
      const std::string place = folder_.path() + "/";
      return what.starts_with(place) ? what.substr(place.size()) : what;
    }
  }

  base::TestFolder folder_;
};

TEST_F(TlsTest, ReadsACertificateAndItsKeyFromTwoFilesOrOne) {
  const auto two = read("one/cert.pem", "one/key.pem");
  EXPECT_EQ(two->fingerprint().size(), 95U) << two->fingerprint();
  EXPECT_EQ(two->fingerprint(), read("one/both.pem", "one/both.pem")->fingerprint());
  EXPECT_NE(two->fingerprint(), read("two/both.pem", "two/both.pem")->fingerprint());
  EXPECT_EQ(two->hosts(), (std::vector<std::string>{"localhost", "one"}));
  EXPECT_EQ(two->warning(), "");
}

TEST_F(TlsTest, ReadsAChain) {
  folder_.put("chain.pem", folder_.get("one/cert.pem") + "a remark\n" + folder_.get("two/cert.pem"));
  EXPECT_EQ(read("chain.pem", "one/key.pem")->fingerprint(),
            read("one/cert.pem", "one/key.pem")->fingerprint());
  EXPECT_EQ(complaint("chain.pem", "two/key.pem", ErrorCode::kInvalidArgument),
            "chain.pem: the server's own certificate has to be the first of the chain");
  folder_.put("broken.pem",
              folder_.get("one/cert.pem") + kCertificate + "\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(complaint("broken.pem", "one/key.pem", ErrorCode::kInvalidArgument),
            "broken.pem: certificate 2 of the chain is damaged");
}

TEST_F(TlsTest, NamesTheFileAndWhatHelps) {
  const auto bad = ErrorCode::kInvalidArgument;
  EXPECT_EQ(complaint("none.pem", "one/key.pem", ErrorCode::kNotFound),
            "none.pem: cannot open: No such file or directory; expected a certificate in PEM");
  EXPECT_EQ(complaint("one/cert.pem", "none.pem", ErrorCode::kNotFound),
            "none.pem: cannot open: No such file or directory; expected a private key in PEM");
  EXPECT_EQ(complaint("one", "one/key.pem", ErrorCode::kNotFound),
            "one: expected a file, got a directory; expected a certificate in PEM");
  EXPECT_EQ(complaint("one/key.pem", "one/cert.pem", bad),
            "one/key.pem: expected a certificate in PEM, got a key: are the two files exchanged?");
  EXPECT_EQ(complaint("one/cert.pem", "two/cert.pem", bad),
            "two/cert.pem: expected a private key in PEM, got a certificate: are the two files exchanged?");
  EXPECT_EQ(complaint("one/cert.pem", "two/key.pem", bad),
            "two/key.pem: not the key of the certificate in " + folder_ / "one/cert.pem");
  folder_.put("empty", "");
  EXPECT_EQ(complaint("empty", "one/key.pem", bad),
            "empty: expected a certificate in PEM, got an empty file");
  folder_.put("cut", folder_.get("one/cert.pem").substr(0, 200));
  EXPECT_EQ(complaint("cut", "one/key.pem", bad),
            "cut: expected a certificate in PEM, got something else, or a damaged one");
  folder_.put("binary", std::string("\x30\x82\x01\x00", 4));
  EXPECT_NE(complaint("binary", "one/key.pem", bad).find("openssl x509 -inform DER"), std::string::npos);
}

TEST_F(TlsTest, AsksNobodyForAPassphrase) {
  const std::string text = folder_.get("one/key.pem");
  const KeyPtr key(PEM_read_bio_PrivateKey(reader_of(text).get(), nullptr, nullptr, nullptr));
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char secret[] = "secret";
  ASSERT_EQ(
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_128_cbc(), secret, 6, nullptr, nullptr), 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  folder_.put("locked.pem", std::string(data, static_cast<std::size_t>(size)));
  const std::string said = complaint("one/cert.pem", "locked.pem", ErrorCode::kInvalidArgument);
  EXPECT_TRUE(said.starts_with("locked.pem: the key asks for a passphrase: openssl pkey -in ")) << said;
}

TEST_F(TlsTest, WarnsOfACertificateThatHasEnded) {
  const std::string file = folder_ / "old/both.pem";
  keep_self_signed(file, {}, std::time(nullptr) - 400 * 86'400);
  EXPECT_TRUE(read("old/both.pem", "old/both.pem")->warning().starts_with("the certificate ended on 20"));
}

TEST_F(TlsTest, SurvivesDamagedFiles) {
  const std::string whole = folder_.get("one/both.pem");
  for (std::size_t at = 0; at < whole.size() - 20; at += 7) {
    std::string damaged = whole;
    damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
    folder_.put("damaged", damaged);
    try {
      read("damaged", "damaged");
    } catch (const Error&) {
    }
    folder_.put("damaged", whole.substr(0, at));
    EXPECT_THROW(read("damaged", "damaged"), Error) << at;
  }
}

}  // namespace
}  // namespace moonbeam::server
