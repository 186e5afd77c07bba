// Clients whose requests are long in coming: looked at a few at a time, and served like any other.
#include "server/http/waiting_room.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>

#include "server/http/test_routes.h"

namespace moonbeam::server {
namespace {

using Clock = std::chrono::steady_clock;

struct Guest : Waiting {
  bool look() noexcept override {
    times.push_back(Clock::now());
    return stays;
  }
  std::vector<Clock::time_point> times;
  bool stays = true;
};

TEST(WaitingRoom, LooksAtEachOnceAPeriodAndAtFewAtATime) {
  boost::asio::io_context io;
  WaitingRoom room(io);
  std::vector<std::shared_ptr<Guest>> guests;
  for (int i = 0; i < 1000; ++i) {
    guests.push_back(std::make_shared<Guest>());
    room.add(guests.back());
  }
  // Turns, as a busy machine may run two of them together.
  std::size_t looks = 0, most = 0;
  while (
      std::any_of(guests.begin(), guests.end(), [](const auto& guest) { return guest->times.size() < 3; })) {
    io.run_one();
    std::size_t all = 0;
    for (const auto& guest : guests) all += guest->times.size();
    most = std::max(most, all - looks);
    looks = all;
  }
  EXPECT_LE(most, 42U);  // of 24 turns, and the 25th that had begun
  for (const auto& guest : guests) {
    EXPECT_LE(guest->times.size(), 4U);
    EXPECT_GE(guest->times[1] - guest->times[0], WaitingRoom::kPeriod * 9 / 10);
  }
}

TEST(WaitingRoom, LetsGoWhoWaitsNoLongerAndSleepsWhereNobodyIs) {
  boost::asio::io_context io;
  WaitingRoom room(io);
  const auto goes = std::make_shared<Guest>(), stays = std::make_shared<Guest>();
  goes->stays = false;
  room.add(goes);
  room.add(stays);
  while (stays->times.empty() || goes->times.empty()) io.run_one();
  EXPECT_EQ(room.size(), 1U);
  EXPECT_EQ(goes.use_count(), 1);
  room.clear();
  EXPECT_EQ(stays.use_count(), 1);
  io.run();  // comes to an end
  const std::size_t before = stays->times.size();
  room.add(stays);  // and to life again
  io.restart();
  while (stays->times.size() == before) io.run_one();
}

TEST(WaitingRoom, GivesFewUpInATurn) {
  boost::asio::io_context io;
  WaitingRoom room(io);
  struct Late : Waiting {
    explicit Late(WaitingRoom& in) : place(in) {}
    bool look() noexcept override { return !place.may_give_up(); }
    WaitingRoom& place;
  };
  for (int i = 0; i < 1000; ++i) room.add(std::make_shared<Late>(room));
  while (room.size() > 0) {
    const std::size_t before = room.size();
    io.run_one();
    EXPECT_LE(before - room.size(), 8U);
  }
}

/// Says `bytes` in pieces with pauses, for about `ms` in all.
void say_slowly(TestClient& client, std::string_view bytes, int pieces, int ms) {
  const std::size_t each =
      (bytes.size() + static_cast<std::size_t>(pieces) - 1) / static_cast<std::size_t>(pieces);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(each, bytes.size()))) {
    ASSERT_TRUE(client.say(bytes.substr(0, each)));
    std::this_thread::sleep_for(std::chrono::milliseconds(ms / pieces));
  }
}

TEST(Server, AnswersRequestsThatAreLongInComing) {
  Running running;
  TestClient client = running.client();
  const std::string body(300, 'x');
  const std::string request = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300\r\n\r\n" + body;
  for (int round = 0; round < 2; ++round) {
    say_slowly(client, request, 20, 800);
    EXPECT_EQ(client.hear().body, body);
    EXPECT_EQ(client.ask(get("/hello")).body, "\"hello\"");  // at once again
  }
}

TEST(Server, AnswersWhatCameBehindASlowRequest) {
  Running running;
  TestClient client = running.client();
  say_slowly(client, get("/hello").substr(0, 20), 5, 500);
  client.say(get("/hello").substr(20) + get("/bug") +
             "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n");
  EXPECT_EQ(client.hear().body, "\"hello\"");
  EXPECT_EQ(client.hear().status, 500);
  const std::string body(200'000, 'y');
  client.say(body);
  EXPECT_EQ(client.hear().body, body);
}

TEST(Server, GivesASlowClientUpThatKeepsTalking) {
  ServerOptions options;
  options.limits.head_time = options.limits.body_time = 700ms;
  options.limits.linger_time = 400ms;
  Running running(std::move(options));
  TestClient head = running.client(), body = running.client();
  head.say("GET /hello HTTP/1.1\r\nX-Slow: ");
  body.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
  const auto start = Clock::now();
  std::thread talking([&] {
    while (Clock::now() < start + 1200ms) {
      head.say("x");
      body.say("x");
      std::this_thread::sleep_for(40ms);
    }
  });
  EXPECT_TRUE(Running::within(5000ms, [&] { return running.logged().size() == 2; }));
  EXPECT_GE(Clock::now() - start, 650ms);
  for (const std::string& line : running.logged()) EXPECT_TRUE(line.starts_with("408 ")) << line;
  talking.join();
  EXPECT_EQ(head.hear().status, 408);
  EXPECT_EQ(body.hear().status, 408);
  EXPECT_TRUE(head.closes(3000));
  EXPECT_TRUE(body.closes(3000));
  EXPECT_EQ(running.client().ask(get("/hello")).status, 200);
}

TEST(Server, TakesARequestThatIsWholeBeforeItsDeadlineHoweverSlow) {
  ServerOptions options;
  options.limits.head_time = 1000ms;
  Running running(std::move(options));
  std::vector<TestClient> clients;
  for (int i = 0; i < 40; ++i) {  // looked at on many occasions, before and after the deadline
    clients.push_back(running.client());
    clients.back().say("GET /hello HTTP/1.1\r\n");
  }
  std::this_thread::sleep_for(900ms);
  for (TestClient& client : clients) client.say("Host: localhost\r\n\r\n");
  for (TestClient& client : clients) EXPECT_EQ(client.hear().status, 200);
}

TEST(Server, ServesACrowdOfSlowClientsAndGivesItUp) {
  constexpr std::size_t kAll = 300, kWhole = 20;
  ServerOptions options;
  options.limits.head_time = 3000ms;
  Running running(std::move(options));
  std::vector<TestClient> clients;
  for (std::size_t i = 0; i < kAll; ++i) {
    clients.push_back(running.client());
    clients.back().say("GET /hello HTTP/1.1\r\n");
  }
  std::this_thread::sleep_for(1600ms);  // until they are read seldom
  for (std::size_t i = 0; i < kWhole; ++i) clients[i].say("Host: localhost\r\n\r\n");
  for (std::size_t i = 0; i < kWhole; ++i) EXPECT_EQ(clients[i].hear().status, 200);
  EXPECT_TRUE(Running::within(10s, [&] { return running.logged().size() == kAll; }));
  for (std::size_t i = kWhole; i < kAll; ++i) EXPECT_EQ(clients[i].hear().status, 408);
}

// What arrives of a record that is not whole yet counts: an upload is not slow because TLS gives nothing of
// it.
TEST(Server, TakesALargeBodyAtThePaceOfItsClient) {
  Running running;
  TestClient client = running.client();
  const std::string body(600'000, 'z');
  const auto start = Clock::now();
  client.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 600000\r\n\r\n");
  for (std::size_t at = 0; at < body.size(); at += 3000) {  // 100 kB and more a second
    ASSERT_TRUE(client.say(std::string_view(body).substr(at, 3000)));
    std::this_thread::sleep_for(3ms);
  }
  EXPECT_EQ(client.hear().body, body);
  EXPECT_LT(Clock::now() - start, 10s);
}

TEST(Server, HearsOfASlowClientThatWentAway) {
  Running running;
  {
    TestClient gone = running.client(), reset = running.client();
    gone.say("GET /hel");
    reset.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx");
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(running.server->stats().connections, 2U);
    reset.reset();
  }
  EXPECT_TRUE(Running::within(2000ms, [&] { return running.server->stats().connections == 0; }));
}

TEST(Server, StopsBesideSlowClients) {
  std::vector<TestClient> clients;
  {
    Running running;
    for (int i = 0; i < 30; ++i) {
      clients.push_back(running.client());
      clients.back().say("GET /hel");
    }
    std::this_thread::sleep_for(500ms);
    running.server->drain();
    EXPECT_TRUE(running.server->wait_idle(1000ms));
  }
  for (TestClient& client : clients) EXPECT_TRUE(client.closes(1000));
}

TEST(Server, OpensAWebSocketWhoseHandshakeIsSlow) {
  Router router;
  Route echo{.method = "GET", .path = "/socket"};
  echo.socket = [](const std::shared_ptr<Socket>& socket, const Request&) {
    return SocketEvents{.on_text = [socket](std::string text) { socket->send_text(std::move(text)); }};
  };
  router.add(std::move(echo));
  Running running({}, std::move(router));
  TestClient client = running.client();
  say_slowly(client,
             get("/socket",
                 "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
             8, 800);
  EXPECT_EQ(client.hear().status, 101);
  for (int round = 0; round < 3; ++round) {
    client.bytes().clear();
    client.say(std::string("\x81\x82\x00\x00\x00\x00hi", 8));  // a text of two letters, its mask zero
    EXPECT_TRUE(
        Running::within(2000ms, [&] { return client.bytes().size() >= 4 || (client.fill(100), false); }));
    EXPECT_EQ(client.bytes(), std::string("\x81\x02hi", 4));
  }
}

}  // namespace
}  // namespace moonbeam::server
