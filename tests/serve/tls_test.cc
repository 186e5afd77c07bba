// `moonbeam serve` and `live` through TLS, as curl and browsers meet them.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "server/tls/names.h"
#include "server/tls/self_signed.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using namespace std::chrono_literals;

struct Said {
  int status = -1;
  std::string out;
};

Said curl(const std::string& arguments) {
  Said said;
  FILE* const pipe = ::popen(("curl -sS --max-time 30 " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return said;
  char buffer[4096];
  for (std::size_t got = 0; (got = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    said.out.append(buffer, got);
  said.status = WEXITSTATUS(::pclose(pipe));
  return said;
}

class ServeTls : public ::testing::Test {
 protected:
  void SetUp() override {
    if (curl("--version").status != 0) GTEST_SKIP() << "curl is not installed";
    std::string name = ::testing::TempDir() + "serve_tls_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string state_file() const { return folder_ + "/moonbeam/self-signed.pem"; }
  SpawnOptions with_state() const { return {.env = {{"XDG_STATE_HOME", folder_}}}; }
  /// A certificate and its key as two files.
  void make_pair(const std::string& certificate, const std::string& key) const {
    const std::string both = folder_ + "/made/" + std::to_string(++count_) + ".pem";
    server::keep_self_signed(both, {});
    const std::string text = read_all(both);
    const std::size_t at = text.find("-----BEGIN CERTIFICATE");
    std::ofstream(key) << text.substr(0, at);
    std::ofstream(certificate) << text.substr(at);
  }
  std::string body_file(bool stream) const {
    const std::string file = folder_ + "/body.json";
    std::ofstream(file) << json{{"image_url", picture(1)}, {"stream", stream}};
    return file;
  }

  std::string folder_;
  mutable int count_ = 0;
};

TEST_F(ServeTls, AnswersCurlThatTrustsItsCertificate) {
  Serving serving({"--tls-self-signed"}, true, with_state());
  const std::string trust = "--cacert " + state_file() + " ";
  const std::string local = "https://localhost:" + std::to_string(serving.port);
  const Said health = curl(trust + local + "/health");
  EXPECT_EQ(health.status, 0) << health.out;
  EXPECT_EQ(json::parse(health.out)["status"], "ok");
  EXPECT_EQ(curl(trust + "https://127.0.0.1:" + std::to_string(serving.port) + "/health").status, 0);
  EXPECT_EQ(curl(trust + "'https://[::1]:" + std::to_string(serving.port) + "/health'").status, 0);
  for (const std::string& host : server::machine_names().hosts) {
    const std::string place = host + ":" + std::to_string(serving.port);
    const Said named = curl(trust + "--resolve " + place + ":127.0.0.1 https://" + place + "/health");
    EXPECT_EQ(named.status, 0) << named.out;
    EXPECT_EQ(named.out, health.out);
  }
  EXPECT_EQ(curl(local + "/health").status, 60) << "a certificate that nobody vouches for";

  const std::string post = trust + "-H 'Content-Type: application/json' -N --data-binary @";
  const Said caption = curl(post + body_file(false) + " " + local + "/v1/caption");
  EXPECT_FALSE(json::parse(caption.out)["caption"].get<std::string>().empty()) << caption.out;
  const Said stream = curl(post + body_file(true) + " " + local + "/v1/caption");
  EXPECT_EQ(stream.status, 0);
  EXPECT_NE(stream.out.find("\"completed\":true"), std::string::npos) << stream.out;
}

TEST_F(ServeTls, AnswersTheCommandLineThatTrustsItsCertificate) {
  Serving serving({"--tls-self-signed"}, true, with_state());
  const auto ask = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"query",    kModel + "/samples/s1.png",
                                          "-q",       "Is there a dog?",
                                          "--remote", "https://localhost:" + std::to_string(serving.port)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const Ran trusting = ask({"--cacert", state_file()});
  EXPECT_EQ(trusting.status, 0) << trusting.err;
  EXPECT_FALSE(trusting.out.empty());
  const Ran wary = ask({});
  EXPECT_EQ(wary.status, 7) << wary.err;
  EXPECT_NE(wary.err.find("--cacert FILE"), std::string::npos) << wary.err;
  const Ran nowhere = ask({"--cacert", folder_ + "/nothing.pem"});
  EXPECT_NE(nowhere.status, 0);
  EXPECT_NE(nowhere.err.find("nothing.pem: cannot be read"), std::string::npos) << nowhere.err;
  std::ofstream(folder_ + "/words.pem") << "words";
  EXPECT_EQ(ask({"--cacert", folder_ + "/words.pem"}).status, 7);
}

TEST_F(ServeTls, SpeaksNewVersionsAlone) {
  Serving serving({"--tls-self-signed"}, true, with_state());
  const std::string url = "https://localhost:" + std::to_string(serving.port) + "/health";
  const std::string trust = "--cacert " + state_file() + " ";
  EXPECT_EQ(curl(trust + "--tls-max 1.2 " + url).status, 0);
  EXPECT_EQ(curl(trust + "--tlsv1.3 " + url).status, 0);
  const Said old = curl(trust + "--tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 " + url);
  EXPECT_EQ(old.status, 35) << old.out;
  EXPECT_NE(old.out.find("protocol version"), std::string::npos) << old.out;
  const Said plain = curl("http://localhost:" + std::to_string(serving.port) + "/health");
  EXPECT_EQ(json::parse(plain.out)["error"]["code"], "tls_required") << plain.out;
}

TEST_F(ServeTls, ReadsItsCertificateAgainAndKeepsTheOldOneWhereTheNewOneIsBroken) {
  const std::string certificate = folder_ + "/cert.pem", key = folder_ + "/key.pem";
  make_pair(certificate, key);
  Serving serving({"--tls-cert", certificate, "--tls-key", key});
  TestClient held = serving.client();
  const std::string first = held.tls().fingerprint();
  EXPECT_EQ(first.size(), 95U);
  const auto shown = [&] { return serving.client().tls().fingerprint(); };
  make_pair(certificate, key);
  serving.process().signal(SIGHUP);
  for (int i = 0; i < 200 && shown() == first; ++i) std::this_thread::sleep_for(10ms);
  const std::string second = shown();
  EXPECT_NE(second, first);
  EXPECT_EQ(held.ask(get("/health")).status, 200) << "connections stay";
  make_pair(folder_ + "/other.pem", key);  // a key that does not fit
  serving.process().signal(SIGHUP);
  std::this_thread::sleep_for(200ms);
  std::filesystem::remove(certificate);
  serving.process().signal(SIGHUP);
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(shown(), second);
  EXPECT_EQ(serving.client().ask(get("/health")).status, 200);
  serving.process().signal(SIGTERM);
  const Ran ran = serving.process().wait_at_most(20);
  EXPECT_EQ(ran.status, 0);
  for (const std::string& words : std::vector<std::string>{
           "listening on https://127.0.0.1:", "fingerprint is " + first, "fingerprint is " + second,
           key + ": not the key of the certificate in " + certificate + "; the certificate stays as it is",
           certificate + ": cannot open: No such file or directory", "\"event\":\"certificate_refused\""}) {
    EXPECT_NE(ran.err.find(words), std::string::npos) << words << "\n" << ran.err;
  }
}

TEST_F(ServeTls, SaysAtTheStartWhatIsWrongWithTheFiles) {
  const std::string certificate = folder_ + "/cert.pem", key = folder_ + "/key.pem";
  make_pair(certificate, key);
  struct Case {
    std::vector<std::string> options;
    int status;
    std::string words;
  };
  for (const Case& one : std::vector<Case>{
           {{"--tls-cert", certificate}, 2, "--tls-cert: expected --tls-key"},
           {{"--tls-key", key}, 2, "--tls-key: expected --tls-cert"},
           {{"--tls-cert", certificate, "--tls-key", key, "--tls-self-signed"}, 2, "--tls-self-signed makes"},
           {{"--tls-cert", folder_ + "/none", "--tls-key", key}, 3, folder_ + "/none: cannot open"},
           {{"--tls-cert", key, "--tls-key", certificate}, 2, "are the two files exchanged?"}}) {
    std::vector<std::string> arguments = {"serve", "-m", kModel, "--port", "0"};
    arguments.insert(arguments.end(), one.options.begin(), one.options.end());
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.status, one.status) << ran.err;
    EXPECT_NE(ran.err.find(one.words), std::string::npos) << ran.err;
  }
}

/// A text that is shorter than 126 bytes, as a client sends it.
std::string text_frame(const std::string& text) {
  return std::string("\x81") + static_cast<char>(0x80 | text.size()) + std::string(4, '\0') + text;
}

TEST_F(ServeTls, ShowsTheLivePageToAPhone) {
  const std::string port_file = folder_ + "/port", err_file = folder_ + "/err";
  Background live({"live", "-m", kModel, "--port", "0", "--port-file", port_file, "--host", "0.0.0.0",
                   "--no-auth", "--tls-self-signed"},
                  with_state());
  ASSERT_TRUE(wait_for_lines(port_file, 1));
  const std::string port_text = std::to_string(std::stoi(read_all(port_file)));
  const auto port = static_cast<std::uint16_t>(std::stoi(port_text));
  for (int i = 0; i < 3000 && TestClient(port, true).ask(get("/ready")).status != 200; ++i)
    std::this_thread::sleep_for(10ms);
  struct stat status {};
  ASSERT_EQ(::stat(state_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const Said page = curl("--cacert " + state_file() + " https://localhost:" + port_text + "/live");
  EXPECT_NE(page.out.find("<!doctype html>"), std::string::npos) << page.out.substr(0, 200);

  TestClient socket(port, true);
  const Answer answer = socket.ask(
      "GET /live/ws HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nConnection: Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: moonbeam.live.1\r\n\r\n");
  ASSERT_EQ(answer.status, 101) << answer.head;
  socket.say(text_frame(R"({"t":"hello","v":1})"));
  for (int i = 0; i < 50 && socket.bytes().find("\"session\"") == std::string::npos; ++i) socket.fill(200);
  EXPECT_NE(socket.bytes().find("\"t\":\"hello\""), std::string::npos) << socket.bytes();

  live.signal(SIGTERM);
  const Ran ran = live.wait_at_most(20);
  EXPECT_EQ(ran.status, 0);
  std::vector<std::string> words = {"it is kept in " + state_file(), "SHA-256 fingerprint is ",
                                    "the live page is at https://localhost:" + port_text + "/"};
  const server::MachineNames names = server::machine_names();
  if (!names.main_address.empty() && names.main_address.find(':') == std::string::npos)
    words.push_back("on a phone or another machine open https://" + names.main_address + ":" + port_text +
                    "/");
  for (const std::string& word : words)
    EXPECT_NE(ran.err.find(word), std::string::npos) << word << "\n" << ran.err;
}

}  // namespace
}  // namespace moonbeam::test
