// WebSockets over real sockets: handshake, messages both ways, limits, pings, ends.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "server/http/server.h"
#include "server/http/test_client.h"

namespace moonbeam::server {
namespace {

using namespace std::chrono_literals;

/// A frame as a client sends it, masked.
std::string frame(int opcode, std::string_view payload, bool last = true) {
  std::string bytes(1, static_cast<char>((last ? 0x80 : 0) | opcode));
  if (payload.size() < 126) {
    bytes += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65536) {
    bytes += static_cast<char>(0x80 | 126);
    for (int shift : {8, 0}) bytes += static_cast<char>(payload.size() >> shift & 255);
  } else {
    bytes += static_cast<char>(0x80 | 127);
    for (int shift : {56, 48, 40, 32, 24, 16, 8, 0})
      bytes += static_cast<char>(payload.size() >> shift & 255);
  }
  const std::string mask = "\x11\x22\x33\x44";
  bytes += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) bytes += static_cast<char>(payload[i] ^ mask[i % 4]);
  return bytes;
}

struct Heard {
  int opcode = -1;  ///< -1: nothing came
  std::string payload;
  int close_code() const {
    return payload.size() < 2
               ? 0
               : static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
  }
};

Heard hear(TestClient& client, int ms = 3000) {
  Heard heard;
  std::string& in = client.bytes();
  while (in.size() < 2) {
    if (!client.fill(ms)) return heard;
  }
  std::size_t size = in[1] & 127, head = 2;
  if (size >= 126) {
    const std::size_t digits = size == 126 ? 2 : 8;
    while (in.size() < 2 + digits) {
      if (!client.fill(ms)) return heard;
    }
    size = 0;
    for (std::size_t i = 0; i < digits; ++i) size = size << 8 | static_cast<unsigned char>(in[2 + i]);
    head += digits;
  }
  while (in.size() < head + size) {
    if (!client.fill(ms)) return heard;
  }
  heard.opcode = in[0] & 15;
  heard.payload = in.substr(head, size);
  in.erase(0, head + size);
  return heard;
}

std::string handshake(const std::string& more = {}) {
  return "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         more + "\r\n";
}

/// A server with a socket that says back what it hears.
class Echo {
 public:
  explicit Echo(ServerOptions options = {}) {
    options.listen = {"127.0.0.1:0"};
    options.inherit = false;
    options.tls = tls_of_tests();
    Router router;
    router.add({.method = "GET",
                .path = "/ws",
                .socket =
                    [this](std::shared_ptr<Socket> socket, const Request& request) {
                      const std::lock_guard lock(mutex);
                      sockets.push_back(socket);
                      who = request.key_name;
                      return events(socket);
                    },
                .subprotocol = "moonbeam"});
    server.emplace(std::move(options));
    server->start(std::move(router));
    port = server->listeners()[0].port;
  }
  ~Echo() {
    server->stop();
    sockets.clear();
  }

  SocketEvents events(const std::shared_ptr<Socket>& socket) {
    return {.on_text =
                [this, socket](std::string text) {
                  if (text == "wait") std::this_thread::sleep_for(50ms);
                  if (text == "bye") return socket->close(1008, "as you wish");
                  if (text == "throw") throw std::runtime_error("secret");
                  socket->send_text(text);
                  ++heard;
                },
            .on_binary =
                [this, socket](std::string bytes) {
                  socket->send_binary(std::move(bytes));
                  ++heard;
                },
            .on_close = [this](int code) { closed = code; }};
  }

  std::mutex mutex;
  std::vector<std::shared_ptr<Socket>> sockets;
  std::string who;
  std::atomic<int> heard{0}, closed{0};
  std::optional<Server> server;
  std::uint16_t port = 0;
};

template <typename Condition>
bool within(std::chrono::milliseconds most, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

TEST(WebSocket, CarriesMessagesBothWays) {
  Echo echo;
  TestClient client(echo.port);
  const Answer answer = client.ask(handshake("Sec-WebSocket-Protocol: other, moonbeam\r\n"));
  ASSERT_EQ(answer.status, 101) << answer.head;
  EXPECT_EQ(answer.headers.at("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(answer.headers.at("sec-websocket-protocol"), "moonbeam");
  EXPECT_TRUE(answer.headers.contains("x-request-id"));
  client.say(frame(1, "caf\u00e9"));
  EXPECT_EQ(hear(client).payload, "caf\u00e9");
  const std::string large(200'000, 'b');
  client.say(frame(2, large));
  const Heard binary = hear(client);
  EXPECT_EQ(binary.opcode, 2);
  EXPECT_TRUE(binary.payload == large) << binary.payload.size();
  client.say(frame(1, "two", false) + frame(9, "ping") + frame(0, " parts"));
  EXPECT_EQ(hear(client).opcode, 10);
  EXPECT_EQ(hear(client).payload, "two parts");
  client.say(frame(8, "\x03\xe8"));
  EXPECT_EQ(hear(client).close_code(), 1000);
  EXPECT_TRUE(client.closes(2000));
  client.hang_up();
  EXPECT_TRUE(within(2s, [&] { return echo.closed == 1000; })) << echo.closed;
  EXPECT_TRUE(within(2s, [&] { return echo.server->stats().connections == 0; }));
  EXPECT_EQ(echo.server->stats().sockets, 0U);
}

TEST(WebSocket, KeepsTheOrderOfMessages) {
  Echo echo;
  TestClient client(echo.port);
  ASSERT_EQ(client.ask(handshake()).status, 101);
  std::string all = frame(1, "wait");
  for (int i = 0; i < 200; ++i) all += frame(1, std::to_string(i));
  client.say(all);
  EXPECT_EQ(hear(client).payload, "wait");
  for (int i = 0; i < 200; ++i) ASSERT_EQ(hear(client).payload, std::to_string(i));
}

TEST(WebSocket, RefusesWhomItDoesNotKnow) {
  ServerOptions options;
  options.keys = {make_key("ann", "secret")};
  Echo echo(std::move(options));
  const auto status = [&](const std::string& more) {
    return TestClient(echo.port).ask(handshake(more)).status;
  };
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("Sec-WebSocket-Protocol: moonbeam, key.d3Jvbmc\r\n"), 401);
  EXPECT_EQ(status("Sec-WebSocket-Protocol: moonbeam, key.c2VjcmV0\r\nOrigin: https://evil.example\r\n"),
            403);
  EXPECT_EQ(status("Sec-WebSocket-Protocol: moonbeam, key.c2VjcmV0\r\nOrigin: http://localhost\r\n"), 101);
  EXPECT_TRUE(within(2s, [&] {
    const std::lock_guard lock(echo.mutex);
    return echo.who == "ann";
  }));
  TestClient plain(echo.port);
  const Answer upgrade = plain.ask("GET /ws HTTP/1.1\r\nHost: localhost\r\nX-Moondream-Auth: secret\r\n\r\n");
  EXPECT_EQ(upgrade.status, 426);
  EXPECT_EQ(upgrade.headers.at("upgrade"), "websocket");
}

TEST(WebSocket, EndsWithTheReasonInItsCode) {
  ServerOptions options;
  options.limits.message = 1000;
  Echo echo(std::move(options));
  struct Case {
    std::string bytes;
    int code;
  };
  for (const Case& one : std::vector<Case>{
           {frame(1, "bye"), 1008},                       // the handler's
           {frame(1, "throw"), 1011},                     // a bug of the handler's
           {frame(2, std::string(1001, 'x')), 1009},      // too large
           {frame(1, std::string("\xff\xfe", 2)), 1007},  // no UTF-8
           {frame(3, "x"), 1002},                         // no such opcode
           {std::string("\x81\x01x", 3), 1002},           // not masked
       }) {
    TestClient client(echo.port);
    ASSERT_EQ(client.ask(handshake()).status, 101);
    client.say(one.bytes);
    EXPECT_EQ(hear(client).close_code(), one.code);
  }
}

TEST(WebSocket, NoticesAClientThatIsGone) {
  ServerOptions options;
  options.limits.socket_ping = 20ms;
  options.limits.socket_idle = 100ms;
  Echo echo(std::move(options));
  {
    TestClient client(echo.port);
    ASSERT_EQ(client.ask(handshake()).status, 101);
    EXPECT_EQ(hear(client).opcode, 9) << "a ping";
    client.reset();
    EXPECT_TRUE(within(2s, [&] { return echo.closed == 1006; }));
  }
  echo.closed = 0;
  TestClient silent(echo.port);  // answers no ping
  ASSERT_EQ(silent.ask(handshake()).status, 101);
  EXPECT_TRUE(within(3s, [&] { return echo.closed == 1006; }));
}

TEST(WebSocket, DoesNotWaitForAClientThatSaidGoodbyeAndStays) {
  ServerOptions options;
  options.limits.head_time = 100ms;
  Echo echo(std::move(options));
  TestClient client(echo.port);
  ASSERT_EQ(client.ask(handshake()).status, 101);
  client.say(frame(8, "\x03\xe8"));
  EXPECT_TRUE(within(3s, [&] { return echo.closed != 0; }));
  EXPECT_TRUE(within(2s, [&] { return echo.server->stats().connections == 0; }));
}

TEST(WebSocket, ShowsWhatWaitsToBeSent) {
  Echo echo;
  TestClient client(echo.port);
  ASSERT_EQ(client.ask(handshake()).status, 101);
  ASSERT_TRUE(within(2s, [&] {
    const std::lock_guard lock(echo.mutex);
    return echo.sockets.size() == 1;
  }));
  for (int i = 0; i < 20; ++i) echo.sockets[0]->send_binary(std::string(1 << 20, 'x'));
  EXPECT_GT(echo.sockets[0]->queued(), std::size_t{4} << 20);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(hear(client).payload.size(), std::size_t{1} << 20);
  EXPECT_TRUE(within(2s, [&] { return echo.sockets[0]->queued() == 0; }));
}

TEST(WebSocket, IsClosedWhenTheServerDrains) {
  Echo echo;
  TestClient client(echo.port);
  ASSERT_EQ(client.ask(handshake()).status, 101);
  client.say(frame(1, "x"));
  EXPECT_EQ(hear(client).payload, "x");
  echo.server->drain();
  EXPECT_EQ(hear(client).close_code(), 1001);
}

}  // namespace
}  // namespace moonbeam::server
