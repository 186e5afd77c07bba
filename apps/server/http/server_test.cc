// The server over real sockets: answers, keep-alive, streams, readers that go away, the end.
#include "server/http/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "server/http/test_routes.h"

namespace moonbeam::server {
namespace {

TEST(Server, AnswersOneRequestAfterTheOtherOnAConnection) {
  Running running;
  TestClient client = running.client();
  for (int i = 0; i < 5; ++i) {
    const Answer answer = client.ask(get("/hello"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "\"hello\"");
    EXPECT_TRUE(answer.whole);
    EXPECT_EQ(answer.headers.at("x-request-id").substr(0, 3), "mb-");
    EXPECT_FALSE(answer.headers.contains("connection"));
  }
}

TEST(Server, AnswersRequestsThatCameTogetherInTheirOrder) {
  Running running;
  TestClient client = running.client();
  std::string all;
  for (int i = 0; i < 300; ++i) {
    const std::string body = std::to_string(i);
    all += "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
    if (i % 3 == 0) all += get("/nothing");
  }
  std::thread writer([&] { client.say(all); });
  for (int i = 0; i < 300; ++i) {
    const Answer answer = client.hear();
    ASSERT_EQ(answer.status, 200);
    ASSERT_EQ(answer.body, std::to_string(i));
    if (i % 3 == 0) {
      ASSERT_EQ(client.hear().status, 404);
    }
  }
  writer.join();
}

TEST(Server, LetsOthersInBetweenRequestsThatCameTogether) {
  std::promise<void> begin;
  std::promise<void> blocked;
  std::vector<char> order;  // of the loop's thread alone, until that has ended
  Router router;
  const auto quick = [&router](const char* path, auto work) {
    router.add({.method = "GET",
                .path = path,
                .handler =
                    [work](auto exchange) {
                      work();
                      exchange->send({.body = "1"});
                    },
                .quick = true});
  };
  quick("/block", [&] {
    blocked.set_value();
    begin.get_future().wait();
  });
  quick("/many", [&] { order.push_back('m'); });
  quick("/one", [&] { order.push_back('1'); });
  {
    Running running({}, std::move(router));
    TestClient blocking = running.client(), many = running.client(), one = running.client();
    EXPECT_EQ(many.ask("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
    EXPECT_EQ(one.ask("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
    blocking.say("GET /block HTTP/1.1\r\nHost: localhost\r\n\r\n");
    blocked.get_future().wait();
    std::string all;
    for (int i = 0; i < 50; ++i) all += "GET /many HTTP/1.1\r\nHost: localhost\r\n\r\n";
    many.say(all);
    one.say("GET /one HTTP/1.1\r\nHost: localhost\r\n\r\n");
    begin.set_value();
    EXPECT_EQ(one.hear().status, 200);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(many.hear().status, 200);
  }
  ASSERT_EQ(order.size(), 51U);
  EXPECT_LT(std::find(order.begin(), order.end(), '1') - order.begin(), 10);
}

TEST(Server, EndsTheConnectionWhereTheClientWantsIt) {
  Running running;
  TestClient client = running.client();
  const Answer answer = client.ask(get("/hello", "Connection: close\r\n"));
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_TRUE(client.closes(1000));
}

TEST(Server, SpeaksToOldClients) {
  Running running;
  TestClient client = running.client();
  EXPECT_EQ(client.ask("GET /hello HTTP/1.0\r\n\r\n").body, "\"hello\"");
  EXPECT_TRUE(client.closes(1000));
  TestClient keeping = running.client();
  for (int i = 0; i < 2; ++i) {
    const Answer answer = keeping.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(answer.headers.at("connection"), "keep-alive");
  }
  TestClient streaming = running.client();
  streaming.say("GET /stream HTTP/1.0\r\n\r\n");
  const auto exchange = running.take();
  ASSERT_TRUE(exchange);
  exchange->write("second;");
  exchange->finish();
  const Answer answer = streaming.hear();
  EXPECT_FALSE(answer.headers.contains("transfer-encoding"));
  EXPECT_EQ(answer.body, "first;second;");
}

TEST(Server, TellsTheLengthForHeadWithoutTheBody) {
  Running running;
  TestClient client = running.client();
  const Answer answer = client.ask("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-length"), "7");
  EXPECT_EQ(client.ask(get("/hello")).body, "\"hello\"") << client.bytes();
}

TEST(Server, TakesBodiesInChunksAndAnnouncedOnes) {
  Running running;
  TestClient client = running.client();
  EXPECT_EQ(client
                .ask("POST //echo?x=1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nTrailer: z\r\n\r\n")
                .body,
            "abcdefgh");
  client.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(client.fill());
  EXPECT_TRUE(client.bytes().starts_with("HTTP/1.1 100 Continue\r\n\r\n"));
  EXPECT_EQ(client.ask("wxyz").body, "wxyz");
  const std::string large(3 << 20, 'q');
  EXPECT_TRUE(client
                  .ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                       std::to_string(large.size()) + "\r\n\r\n" + large)
                  .body == large);
}

TEST(Server, RefusesALargeBodyBeforeItIsSent) {
  ServerOptions options;
  options.limits.parse.body = 1000;
  Running running(std::move(options));
  TestClient announced = running.client();
  const Answer answer =
      announced.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(nlohmann::json::parse(answer.body)["error"]["code"], "body_too_large");
  TestClient chunks = running.client();
  chunks.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) chunks.say("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(chunks.hear().status, 413);
}

// The shape is the route's, the id the client's, and a page of another origin may read it.
TEST(Server, RefusesALargeBodyInTheShapeOfItsRoute) {
  ServerOptions options;
  options.limits.parse.body = 1000;
  options.guard.cors_origins = {"https://a.example"};
  Router router;
  router.add(route("POST", "/api/echo", [](auto exchange) { exchange->send({.body = "1"}); }));
  Running running(std::move(options), std::move(router));
  const std::string more = "Host: localhost\r\nOrigin: https://a.example\r\nX-Request-Id: mine-1\r\n";
  for (const char* wrong : {"Content-Length: 1001\r\n", "Content-Length: 1\r\nExpect: a miracle\r\n"}) {
    const bool large = std::string_view(wrong).find("1001") != std::string_view::npos;
    const Answer answer = running.client().ask("POST /api/echo HTTP/1.1\r\n" + more + wrong + "\r\n");
    EXPECT_EQ(answer.status, large ? 413 : 417) << wrong;
    EXPECT_TRUE(nlohmann::json::parse(answer.body)["error"].is_string()) << answer.body;
    EXPECT_EQ(answer.headers.at("x-request-id"), "mine-1") << wrong;
  }
  const Answer large = running.client().ask("POST /echo HTTP/1.1\r\n" + more +
                                            "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.headers.at("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(large.headers.at("x-request-id"), "mine-1");
  EXPECT_EQ(large.head.find("100 Continue"), std::string::npos);
}

TEST(Server, TakesABodyInChunksOfOneByte) {
  Running running;
  std::string bytes = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 50'000; ++i) bytes += "1\r\nx\r\n";
  const Answer answer = running.client().ask(bytes + "0\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, std::string(50'000, 'x'));
}

TEST(Server, SaysWhatWasWrong) {
  Running running;
  TestClient client = running.client();
  const auto thrown = nlohmann::json::parse(client.ask(get("/throw")).body)["error"];
  EXPECT_EQ(thrown["code"], "model_not_found");
  EXPECT_EQ(thrown["param"], "model");
  EXPECT_EQ(thrown["type"], "invalid_request_error");
  const Answer bug = client.ask(get("/bug"));
  EXPECT_EQ(bug.status, 500);
  EXPECT_EQ(bug.body.find("secret"), std::string::npos);
  const Answer forgotten = client.ask(get("/forget"));
  EXPECT_EQ(forgotten.status, 500);
  EXPECT_EQ(client.ask(get("/api/throw")).body, "{\"error\":\"a\\u00e9\"}");
  EXPECT_EQ(client.ask(get("/api/none")).status, 404);
  for (const char* other : {"DELETE", "TRACE"}) {
    const Answer method = client.ask(std::string(other) + " /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(method.status, 405) << other;
    EXPECT_EQ(method.headers.at("allow"), "GET, HEAD, OPTIONS") << other;
  }
  EXPECT_EQ(client.ask(get("/hello", "X-Request-Id: abc-1\r\n")).headers.at("x-request-id"), "abc-1");
  EXPECT_EQ(client.ask(get("/hello", "X-Request-Id: a b\r\n")).headers.at("x-request-id").size(), 29U);
}

TEST(Server, WritesEachPieceOfAStreamAtOnce) {
  Running running;
  TestClient client = running.client();
  client.say(get("/stream"));
  const auto exchange = running.take();
  ASSERT_TRUE(exchange);
  ASSERT_TRUE(client.fill());
  ASSERT_TRUE(client.bytes().ends_with("6\r\nfirst;\r\n")) << client.bytes();
  for (int i = 0; i < 3; ++i) {
    client.bytes().clear();
    exchange->write("piece" + std::to_string(i));
    ASSERT_TRUE(client.fill());
    EXPECT_EQ(client.bytes(), "6\r\npiece" + std::to_string(i) + "\r\n");
  }
  client.bytes().clear();
  exchange->finish();
  exchange->write("late");
  EXPECT_TRUE(client.fill());
  EXPECT_EQ(client.bytes(), "0\r\n\r\n");
  client.bytes().clear();
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  EXPECT_EQ(running.gone, 0);
}

TEST(Server, PingsInASilentStream) {
  ServerOptions options;
  options.limits.ping_time = 30ms;
  Running running(std::move(options));
  TestClient client = running.client();
  client.say(get("/stream"));
  const auto exchange = running.take();
  EXPECT_TRUE(Running::within(2s, [&] {
    client.fill(100);
    return client.bytes().find(": ping") != client.bytes().rfind(": ping");
  }));
}

// A page that shows what a camera sees is open for hours; an answer that never ends is given up.
TEST(Server, HoldsAnEndlessStreamBeyondTheDeadlineAndNoOther) {
  for (const bool endless : {true, false}) {
    ServerOptions options;
    options.timeout = 100ms;
    options.limits.overtime = 100ms;
    options.limits.ping_time = 50ms;
    Router router;
    std::shared_ptr<Exchange> held;
    Route open = route("GET", "/open", [&held](auto exchange) {
      exchange->start({.content_type = "text/event-stream", .body = "first;"}, ": ping\n\n");
      held = exchange;
    });
    open.endless = endless;
    router.add(std::move(open));
    Running running(std::move(options), std::move(router));
    TestClient client = running.client();
    client.say(get("/open"));
    EXPECT_EQ(client.closes(600), !endless);
    running.server.reset();
  }
}

TEST(Server, BreaksOffAStreamWhoseHandlerLetsGo) {
  Running running;
  TestClient client = running.client();
  client.say(get("/stream"));
  running.take().reset();
  const Answer answer = client.hear();
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.whole);
}

TEST(Server, HearsOfAReaderThatWentAwayThoughNothingIsWritten) {
  Running running;
  for (const bool reset : {false, true}) {
    running.gone = 0;
    TestClient client = running.client();
    client.say(get("/hold"));
    auto exchange = running.take();
    ASSERT_TRUE(exchange);
    reset ? client.reset() : client.hang_up();
    EXPECT_TRUE(Running::within(2s, [&] { return running.gone == 1; }));
    std::atomic<int> late = 0;
    exchange->on_gone([&] { ++late; });
    EXPECT_EQ(late, 1);
    exchange.reset();
    EXPECT_TRUE(Running::within(2s, [&] { return running.server->stats().connections == 0; }));
  }
  EXPECT_EQ(running.logged(),
            (std::vector<std::string>{"499 /hold client_closed", "499 /hold client_closed"}));
}

TEST(Server, AnswersAClientThatOnlyShutItsSide) {
  Running running;
  TestClient client = running.client();
  client.say(get("/hello"));
  ::shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(client.hear().body, "\"hello\"");
}

TEST(Server, GivesASlowHeadAndASlowBodyUp) {
  ServerOptions options;
  options.limits.head_time = tests_speak_tls() ? 500ms : 100ms;  // handshakes take their part of it
  options.limits.body_time = 100ms;
  options.limits.body_rate = 1'000'000;
  Running running(std::move(options));
  TestClient silent = running.client();
  TestClient head = running.client();
  TestClient body = running.client();
  head.say("GET /hello HT");
  body.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nab");
  const Answer late_head = head.hear(), late_body = body.hear();
  EXPECT_EQ(late_head.status, 408);
  EXPECT_EQ(late_body.status, 408);
  EXPECT_EQ(nlohmann::json::parse(late_body.body)["error"]["code"], "request_timeout");
  EXPECT_TRUE(head.closes(4000));
  EXPECT_TRUE(silent.closes(1000));
  EXPECT_EQ(silent.bytes(), "");
}

TEST(Server, EndsIdleConnections) {
  ServerOptions options;
  options.limits.idle_time = 50ms;
  Running running(std::move(options));
  TestClient client = running.client();
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  EXPECT_TRUE(client.closes(2000));
}

TEST(Server, GivesUpAReaderThatDoesNotRead) {
  ServerOptions options;
  options.limits.stall_time = 100ms;
  Running running(std::move(options));
  TestClient client = running.client();
  client.say(get("/stream"));
  const auto exchange = running.take();
  ASSERT_TRUE(exchange);
  for (int i = 0; i < 12; ++i) exchange->write(std::string(1 << 20, 'x'));
  EXPECT_TRUE(Running::within(3s, [&] { return running.gone == 1; }));
}

TEST(Server, AnswersItselfWhereNobodyElseDoesInTime) {
  ServerOptions options;
  options.timeout = 50ms;
  options.limits.overtime = 20ms;
  Running running(std::move(options));
  TestClient client = running.client();
  client.say(get("/hold"));
  const auto exchange = running.take();
  const Answer answer = client.hear();
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(running.gone, 1);
  exchange->send({});  // too late
}

TEST(Server, RefusesWhatItsWorkersCannotTake) {
  ServerOptions options;
  options.workers = 1;
  options.worker_queue = 1;
  std::promise<void> open;
  std::shared_future<void> gate = open.get_future().share();
  Router router;
  router.add(route("GET", "/wait", [gate](auto exchange) {
    gate.wait();
    exchange->send({});
  }));
  Running running(std::move(options), std::move(router));
  std::vector<TestClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(running.client());
    clients.back().say(get("/wait"));
    std::this_thread::sleep_for(50ms);
  }
  const Answer answer = clients[2].hear();
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
  EXPECT_EQ(clients[3].hear().status, 429);
  open.set_value();
  EXPECT_EQ(clients[0].hear().status, 200);
  EXPECT_EQ(clients[1].hear().status, 200);
}

/// One POST /work is in work, and there may be no other.
class Full {
 public:
  Full() {
    ServerOptions options;
    options.in_work = 1;
    Router router;
    router.add(route("POST", "/work", [this](auto exchange) { work_.set_value(std::move(exchange)); }));
    running.emplace(std::move(options), std::move(router));
    worker_.emplace(running->client());
    worker_->say("POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
    exchange_ = work_.get_future().get();
  }
  void end() {
    exchange_->send({.body = "1"});
    EXPECT_EQ(worker_->hear().status, 200);
  }
  std::optional<Running> running;

 private:
  std::promise<std::shared_ptr<Exchange>> work_;
  std::optional<TestClient> worker_;
  std::shared_ptr<Exchange> exchange_;
};

TEST(Server, RefusesForWantOfRoomBeforeTheBodyAndGoesOnBehindIt) {
  Full full;
  TestClient client = full.running->client();
  // It would be a request of its own, if it were not passed over.
  const std::string body = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(90'000, 'x');
  const std::string head = "POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";
  const Answer early = client.ask(head + std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, 7));
  EXPECT_EQ(early.status, 429);
  EXPECT_EQ(nlohmann::json::parse(early.body)["error"]["code"], "queue_full");
  EXPECT_FALSE(early.headers.contains("connection"));
  client.say(body.substr(7, 20'000));
  std::this_thread::sleep_for(20ms);
  const Answer again =
      client.ask(body.substr(20'007) + head + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(again.status, 429);
  full.end();
  EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi").body, "hi");
}

TEST(Server, EndsTheConnectionOfARefusedBodyWhoseEndIsFarOrUnknown) {
  Full full;
  for (const char* rest : {"Content-Length: 10000000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
                           "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"}) {
    TestClient client = full.running->client();
    const Answer answer = client.ask(std::string("POST /work HTTP/1.1\r\nHost: localhost\r\n") + rest);
    EXPECT_EQ(answer.status, 429) << rest;
    EXPECT_EQ(answer.headers.at("connection"), "close") << rest;
    EXPECT_TRUE(client.closes()) << rest;
  }
  full.end();
}

TEST(Server, TurnsAwayMoreConnectionsThanItMayHave) {
  ServerOptions options;
  options.limits.connections = 3;
  Running running(std::move(options));
  std::vector<TestClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(running.client());
    EXPECT_EQ(clients.back().ask(get("/hello")).status, 200);
  }
  TestClient extra = running.client();
  EXPECT_EQ(extra.hear().status, tests_speak_tls() ? 0 : 503);  // no words before the handshake
  clients.pop_back();
  EXPECT_TRUE(Running::within(2s, [&] { return running.server->stats().connections == 2; }));
  TestClient next = running.client();
  EXPECT_EQ(next.ask(get("/hello")).status, 200);
}

TEST(Server, FinishesWhatIsInWorkAndRefusesWhatIsNew) {
  Running running;
  TestClient idle = running.client(), stream = running.client(), held = running.client();
  EXPECT_EQ(idle.ask(get("/hello")).status, 200);
  stream.say(get("/stream"));
  const auto streaming = running.take();
  held.say(get("/hold"));
  const auto holding = running.take();
  running.server->drain();
  EXPECT_TRUE(idle.closes(1000));
  TestClient fresh = running.client();
  const Answer refused = fresh.ask(get("/hello"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(nlohmann::json::parse(refused.body)["error"]["code"], "shutting_down");
  EXPECT_EQ(refused.headers.at("connection"), "close");
  EXPECT_FALSE(running.server->wait_idle(10ms));
  streaming->write("last");
  streaming->finish();
  holding->send({.body = "1"});
  EXPECT_EQ(stream.hear().body, "first;last");
  EXPECT_EQ(held.hear().body, "1");
  EXPECT_TRUE(running.server->wait_idle(2s));
}

TEST(Server, WaitsForARequestWhoseBodyIsOnItsWay) {
  Running running;
  TestClient client = running.client();
  client.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc");
  ASSERT_TRUE(Running::within(5s, [&] { return running.server->stats().requests == 1; }));
  running.server->drain();
  EXPECT_FALSE(running.server->wait_idle(100ms));
  client.say("def");
  const Answer answer = client.hear();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "abcdef");
  EXPECT_TRUE(running.server->wait_idle(5s));
}

TEST(Server, StopsWhileClientsCome) {
  for (int round = 0; round < 20; ++round) {
    Running running;
    std::atomic<bool> over = false;
    std::vector<std::thread> comers;
    for (int i = 0; i < 4; ++i) {
      comers.emplace_back([&] {
        while (!over) TestClient(running.port, /*tls=*/false);
      });
    }
    std::this_thread::sleep_for(5ms);
    running.server->stop();
    over = true;
    for (std::thread& comer : comers) comer.join();
  }
}

TEST(Server, StopsWithHandlersThatStillHoldTheirExchange) {
  std::shared_ptr<Exchange> late;
  {
    Running running;
    TestClient client = running.client();
    client.say(get("/stream"));
    late = running.take();
    running.server->stop();
    EXPECT_EQ(running.gone, 1);
    EXPECT_FALSE(client.hear().whole);
  }
  late->write("x");
  late->finish();
}

}  // namespace
}  // namespace moonbeam::server
