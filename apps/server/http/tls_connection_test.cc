// What TLS adds to a connection: versions, plain requests by mistake, slow and broken handshakes,
// certificates that change. That all else stays as it is, server_test.cc and websocket_test.cc show when they
// run with MOONBEAM_TEST_TLS=1.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "server/http/server.h"
#include "server/http/test_client.h"

namespace moonbeam::server {
namespace {

using namespace std::chrono_literals;

class Encrypted {
 public:
  explicit Encrypted(ServerOptions options = {}, const MachineNames& names = {}) {
    options.listen = {"127.0.0.1:0"};
    options.inherit = false;
    options.tls = make_test_tls(names);
    options.on_finished = [this](const Finished& finished) { last_code = finished.code; };
    fingerprint = options.tls->fingerprint();
    Router router;
    router.add({.method = "GET", .path = "/hello", .handler = [](auto exchange) {
                  exchange->send({.body = "\"hello\""});
                }});
    server.emplace(std::move(options));
    server->start(std::move(router));
    port = server->listeners()[0].port;
  }
  ~Encrypted() { server.reset(); }

  bool empties() {
    for (int i = 0; i < 1000 && server->stats().connections > 0; ++i) std::this_thread::sleep_for(2ms);
    return server->stats().connections == 0;
  }

  std::string fingerprint, last_code;  // last_code: of the loop, read once the server has stopped
  std::optional<Server> server;
  std::uint16_t port = 0;
};

std::string get(const std::string& path, const std::string& host = "localhost") {
  return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

TEST(TlsConnection, IsEncryptedWithTheCertificateThatWasGiven) {
  Encrypted encrypted;
  TestClient client(encrypted.port, true);
  ASSERT_TRUE(client.tls().shaken());
  EXPECT_EQ(client.tls().version(), "TLSv1.3");
  EXPECT_EQ(client.tls().fingerprint(), encrypted.fingerprint);
  EXPECT_EQ(client.tls().protocol(), "http/1.1");
  EXPECT_EQ(client.ask(get("/hello")).body, "\"hello\"");
}

TEST(TlsConnection, RefusesVersionsThatAreTooOld) {
  Encrypted encrypted;
  EXPECT_FALSE(TestClient(encrypted.port, true, TLS1_VERSION).tls().shaken());
  EXPECT_FALSE(TestClient(encrypted.port, true, TLS1_1_VERSION).tls().shaken());
  TestClient client(encrypted.port, true, TLS1_2_VERSION);
  ASSERT_TRUE(client.tls().shaken());
  EXPECT_EQ(client.tls().version(), "TLSv1.2");
  EXPECT_EQ(client.ask(get("/hello")).body, "\"hello\"");
}

TEST(TlsConnection, TellsAClientThatSpeaksPlainHttpWhatToDo) {
  Encrypted encrypted;
  for (const char* request : {"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
                              "POST /hello HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}"}) {
    TestClient plain(encrypted.port, false);
    const Answer answer = plain.ask(request);
    EXPECT_EQ(answer.status, 400) << request;
    const nlohmann::json error = nlohmann::json::parse(answer.body)["error"];
    EXPECT_EQ(error["code"], "tls_required");
    EXPECT_NE(error["message"].get<std::string>().find("https://"), std::string::npos) << error;
    EXPECT_TRUE(plain.closes(4000));
  }
  encrypted.server->stop();
  EXPECT_EQ(encrypted.last_code, "tls_required");
}

TEST(TlsConnection, GivesASlowHandshakeUp) {
  ServerOptions options;
  options.limits.head_time = 200ms;
  Encrypted encrypted(std::move(options));
  TestClient silent(encrypted.port, false), begun(encrypted.port, false), slow(encrypted.port, false);
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  begun.say(hello);
  const auto start = std::chrono::steady_clock::now();
  bool alive = true;
  while (alive && std::chrono::steady_clock::now() - start < 5s) {  // a byte now and then
    alive = slow.say("\x16") && !slow.closes(20);
  }
  EXPECT_FALSE(alive);
  EXPECT_TRUE(begun.closes(2000));
  EXPECT_TRUE(silent.closes(2000));
  EXPECT_TRUE(encrypted.empties());
}

TEST(TlsConnection, CountsTheHandshakeToTheTimeOfTheFirstHead) {
  ServerOptions options;
  options.limits.head_time = 300ms;
  Encrypted encrypted(std::move(options));
  TestClient client(encrypted.port, true);
  ASSERT_TRUE(client.tls().shaken());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(client.closes(3000));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
}

TEST(TlsConnection, SurvivesBytesThatOnlyBeginLikeAHandshake) {
  Encrypted encrypted;
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    TestClient client(encrypted.port, false);
    std::string bytes = "\x16";
    const std::size_t size = random() % 600;
    if (i % 2 == 0) bytes += std::string("\x03\x01\x00\x40\x01", 5);
    while (bytes.size() < size) bytes += static_cast<char>(random());
    client.say(bytes);
  }
  EXPECT_TRUE(encrypted.empties());
  TestClient client(encrypted.port, true);
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

TEST(TlsConnection, SurvivesAHandshakeThatIsBrokenOff) {
  Encrypted encrypted;
  for (int i = 0; i < 50; ++i) {
    TestClient client(encrypted.port, true);
    i % 2 == 0 ? client.reset() : client.hang_up();
  }
  EXPECT_TRUE(encrypted.empties());
}

TEST(TlsConnection, ShowsANewCertificateToNewConnectionsAlone) {
  Encrypted encrypted;
  TestClient before(encrypted.port, true);
  EXPECT_EQ(before.ask(get("/hello")).status, 200);
  const auto fresh = make_test_tls({.hosts = {"new.example"}, .addresses = {}, .main_address = {}});
  ASSERT_NE(fresh->fingerprint(), encrypted.fingerprint);
  EXPECT_EQ(before.ask(get("/hello", "new.example")).status, 403);
  encrypted.server->set_tls(fresh);
  std::string shown;
  for (int i = 0; i < 100 && shown != fresh->fingerprint(); ++i)
    shown = TestClient(encrypted.port, true).tls().fingerprint();
  EXPECT_EQ(shown, fresh->fingerprint());
  EXPECT_EQ(before.ask(get("/hello")).status, 200);
  EXPECT_EQ(TestClient(encrypted.port, true).ask(get("/hello", "new.example")).status, 200);
}

TEST(TlsConnection, AnswersToTheNamesOfItsCertificate) {
  Encrypted encrypted({}, {.hosts = {"desk", "desk.local"}, .addresses = {}, .main_address = {}});
  EXPECT_EQ(TestClient(encrypted.port, true).ask(get("/hello", "Desk.local:2020")).status, 200);
  EXPECT_EQ(TestClient(encrypted.port, true).ask(get("/hello", "evil.example")).status, 403);
}

TEST(TlsConnection, SaysFarewellWhereNothingIsMissing) {
  Encrypted encrypted;
  TestClient client(encrypted.port, true);
  EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status, 200);
  EXPECT_TRUE(client.closes(2000));
  EXPECT_TRUE(client.tls().heard_farewell());
}

TEST(TlsConnection, MovesALargeAnswerAndALargeBody) {
  Encrypted encrypted;
  Router router;
  router.add({.method = "POST", .path = "/echo", .handler = [](auto exchange) {
                exchange->send({.content_type = "text/plain", .body = exchange->request().body});
              }});
  encrypted.server->replace_routes(std::move(router));
  std::string large(5'000'000, 0);
  std::mt19937 random(3);
  for (char& c : large) c = static_cast<char>(random());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TestClient client(encrypted.port, true, version);
    const std::string head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";
    const Answer answer = client.ask(head + std::to_string(large.size()) + "\r\n\r\n" + large);
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.body == large) << answer.body.size();
  }
}

}  // namespace
}  // namespace moonbeam::server
