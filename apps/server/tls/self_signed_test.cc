// The certificate of our own: whom it names, who may read it, when it is made anew.
#include "server/tls/self_signed.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/test_folder.h"
#include "server/tls/certificate.h"
#include "server/tls/openssl.h"

namespace moonbeam::server {
namespace {

using Texts = std::vector<std::string>;
constexpr std::time_t kDay = 86'400;

class SelfSigned : public ::testing::Test {
 protected:
  X509Ptr certificate() const {
    const std::string text = folder_.get("state/moonbeam/self-signed.pem");
    return X509Ptr(PEM_read_bio_X509(reader_of(text).get(), nullptr, nullptr, nullptr));
  }
  unsigned mode_of(const std::string& path) const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }
  static MachineNames names(Texts hosts, Texts addresses) {
    return {.hosts = std::move(hosts), .addresses = std::move(addresses), .main_address = {}};
  }

  base::TestFolder folder_;
  const std::string file_ = folder_ / "state/moonbeam/self-signed.pem";
};

TEST_F(SelfSigned, NamesTheMachineAndItsAddresses) {
  EXPECT_TRUE(keep_self_signed(file_, names({"desk", "desk.local"}, {"192.168.1.5", "2001:db8::5"})));
  const X509Ptr made = certificate();
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(names_of(made.get()).hosts, (Texts{"localhost", "desk", "desk.local"}));
  EXPECT_EQ(names_of(made.get()).addresses, (Texts{"127.0.0.1", "::1", "192.168.1.5", "2001:db8::5"}));
  const long long left = seconds_left(made.get(), std::time(nullptr));
  EXPECT_NEAR(static_cast<double>(left) / kDay, 397, 0.1);
  EXPECT_FALSE(begins_later(made.get(), std::time(nullptr)));
  EXPECT_EQ(X509_check_ca(made.get()), 0);
  EXPECT_EQ(X509_verify(made.get(), X509_get0_pubkey(made.get())), 1);
}

TEST_F(SelfSigned, IsForItsOwnerAlone) {
  const mode_t before = ::umask(0);
  keep_self_signed(file_, {});
  ::umask(before);
  EXPECT_EQ(mode_of(file_), 0600U);
  EXPECT_EQ(mode_of(folder_ / "state/moonbeam"), 0700U);
  EXPECT_EQ(std::filesystem::directory_iterator(folder_ / "state/moonbeam")->path().filename(),
            "self-signed.pem");
  ::chmod(file_.c_str(), 0644);
  EXPECT_FALSE(keep_self_signed(file_, {}));
  EXPECT_EQ(mode_of(file_), 0600U);
}

TEST_F(SelfSigned, StaysWhileItIsGood) {
  const MachineNames here = names({"desk"}, {"192.168.1.5"});
  EXPECT_TRUE(keep_self_signed(file_, here));
  const std::string text = folder_.get("state/moonbeam/self-signed.pem");
  EXPECT_FALSE(keep_self_signed(file_, here));
  EXPECT_FALSE(keep_self_signed(file_, names({}, {})));
  EXPECT_FALSE(keep_self_signed(file_, here, std::time(nullptr) + 389 * kDay));
  EXPECT_EQ(folder_.get("state/moonbeam/self-signed.pem"), text);
}

TEST_F(SelfSigned, IsMadeAnewBeforeItEnds) {
  EXPECT_TRUE(keep_self_signed(file_, {}));
  EXPECT_TRUE(keep_self_signed(file_, {}, std::time(nullptr) + 391 * kDay));
  EXPECT_FALSE(keep_self_signed(file_, {}, std::time(nullptr) + 392 * kDay));
  EXPECT_TRUE(keep_self_signed(file_, {})) << "the clock was set back: it is not good yet";
}

TEST_F(SelfSigned, IsMadeAnewForANewAddressAndKeepsTheOldOne) {
  EXPECT_TRUE(keep_self_signed(file_, names({"desk"}, {"192.168.1.5"})));
  EXPECT_TRUE(keep_self_signed(file_, names({"desk"}, {"10.0.0.7"})));
  EXPECT_FALSE(keep_self_signed(file_, names({"desk"}, {"192.168.1.5"})));
  for (int i = 0; i < 40; ++i) keep_self_signed(file_, names({"desk"}, {"10.0.1." + std::to_string(i)}));
  const Texts addresses = names_of(certificate().get()).addresses;
  EXPECT_EQ(addresses.size(), 32U);
  EXPECT_NE(std::find(addresses.begin(), addresses.end(), "10.0.1.39"), addresses.end());
}

TEST_F(SelfSigned, IsMadeAnewWhereWhatLiesThereIsNoPair) {
  for (const char* text : {"", "nonsense"}) {
    folder_.put("state/moonbeam/self-signed.pem", text);
    EXPECT_TRUE(keep_self_signed(file_, {})) << text;
    EXPECT_FALSE(keep_self_signed(file_, {}));
  }
}

TEST_F(SelfSigned, SaysWhereItCannotBeKept) {
  folder_.put("file", "");
  EXPECT_THROW(keep_self_signed(folder_ / "file/moonbeam/x.pem", {}), Error);
}

TEST(MachineNames, AreThisMachines) {
  const MachineNames names = machine_names();
  for (const std::string& address : names.addresses) EXPECT_FALSE(address.starts_with("127.")) << address;
  for (const std::string& host : names.hosts)
    EXPECT_EQ(host.find_first_of(" _:/"), std::string::npos) << host;
}

}  // namespace
}  // namespace moonbeam::server
