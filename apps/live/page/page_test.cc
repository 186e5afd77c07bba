// The page on a real server: files and their headers, the way round WebSockets, the preview, keys.
#include "live/page/page.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "live/page/assets.h"
#include "live/page/query.h"
#include "live/source/folder.h"
#include "server/http/server.h"
#include "server/http/test_client.h"

namespace moonbeam::live {
namespace {

using Json = nlohmann::json;
using server::Answer;
using server::TestClient;

const std::string kStarter = std::string(MOONBEAM_SOURCE_DIR) + "/tests/data/starter";

const Model& starter() {
  static const Model model = Model::load(kStarter, {.mode = Mode::kF32, .threads = 2});
  return model;
}

std::string with_header(const std::string& header, const std::string& bytes) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return out + header + bytes;
}

class LivePage : public ::testing::Test {
 protected:
  void start(PageOptions options = {}, std::vector<server::Key> keys = {}, bool open = true) {
    page_.emplace(std::move(options));
    server::Router router;
    page_->add_routes(router);
    server::ServerOptions serve;
    serve.listen = {"127.0.0.1:0"};
    serve.inherit = false;
    serve.keys = std::move(keys);
    server_.emplace(std::move(serve));
    server_->start(std::move(router));
    if (open) page_->open(scheduler_, starter().info());
  }
  ~LivePage() override {
    if (page_) page_->stop();
    server_.reset();
  }

  TestClient client() { return TestClient(server_->listeners()[0].port); }
  Answer ask(const std::string& method, const std::string& target, const std::string& headers = "",
             const std::string& body = "") {
    TestClient one = client();
    one.say(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
    return one.hear(20'000);
  }
  /// What stands in a stream until `text` has come, or its end.
  static std::string read_until(TestClient& one, const std::string& text) {
    for (int i = 0; i < 400 && one.bytes().find(text) == std::string::npos; ++i) {
      if (!one.fill(20'000)) break;
    }
    return one.bytes();
  }

  Scheduler scheduler_{starter()};
  std::optional<Page> page_;
  std::optional<server::Server> server_;
};

TEST_F(LivePage, FilesComeWithTheirPolicies) {
  start();
  for (const auto& [path, type] : {std::pair{"/live", "text/html; charset=utf-8"},
                                   {"/live.js", "text/javascript; charset=utf-8"},
                                   {"/live.css", "text/css; charset=utf-8"}}) {
    const Answer answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.headers.at("content-type"), type);
    EXPECT_NE(
        answer.headers.at("content-security-policy")
            .find(
                "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'"),
        std::string::npos);
    EXPECT_EQ(answer.headers.at("permissions-policy"), "camera=(self)");
    EXPECT_EQ(answer.headers.at("referrer-policy"), "no-referrer");
    EXPECT_GT(answer.body.size(), 5000u);
  }
}

TEST_F(LivePage, TheRootIsThePageForBrowsersOnly) {
  start();
  EXPECT_EQ(ask("GET", "/", "Accept: text/html,application/xhtml+xml\r\n").body, asset("live.html"));
  EXPECT_EQ(ask("GET", "/", "Accept: */*\r\n").body, "Ollama is running");
  EXPECT_EQ(ask("GET", "/").body, "Ollama is running");
}

TEST(LiveAssets, AreSmallAndNameNoOtherHost) {
  std::size_t bytes = 0;
  for (const char* name : {"live.html", "live.css", "live.js"}) {
    const std::string_view text = asset(name);
    EXPECT_FALSE(text.empty()) << name;
    bytes += text.size();
    for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 1)) {
      const std::string_view before = text.substr(0, at), after = text.substr(at + 3);
      EXPECT_TRUE(after.starts_with("www.w3.org/2000/svg") || after.starts_with("localhost") ||
                  after.starts_with("${location.host}"))
          << name << ": " << before.substr(before.size() - 10) << after.substr(0, 40);
    }
    EXPECT_EQ(text.find("style=\""), std::string_view::npos) << "the policy forbids it";
  }
  EXPECT_LT(bytes, 60'000u);
  EXPECT_TRUE(asset("../live.js").empty());
}

TEST_F(LivePage, WhileTheModelLoadsThePageIsThereAndSessionsAreNot) {
  start({}, {}, /*open=*/false);
  EXPECT_EQ(ask("GET", "/live").status, 200);
  EXPECT_EQ(ask("GET", "/live/events?session=12345678").status, 503);
}

TEST_F(LivePage, AnswersByPostAndEventsWhereThereIsNoWebSocket) {
  start();
  TestClient events = client();
  events.say("GET /live/events?session=abcdefgh HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(read_until(events, ": ping").find("text/event-stream"), std::string::npos);
  const std::string json = "Content-Type: application/json\r\n", target = "/live/frame?session=abcdefgh";
  EXPECT_EQ(ask("POST", target, json, R"({"t":"hello","v":1})").status, 200);
  EXPECT_EQ(ask("POST", target, json, R"({"t":"task","skill":"query","question":"Is there a dog?","rev":1})")
                .status,
            200);
  std::ifstream file(kStarter + "/samples/s1.png", std::ios::binary);
  const std::string picture{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(ask("POST", target, "Content-Type: application/octet-stream\r\n",
                with_header(R"({"seq":1,"rev":1})", picture))
                .status,
            200);
  const std::string heard = read_until(events, "\"t\":\"result\"");
  EXPECT_NE(heard.find("data: {\"t\":\"hello\""), std::string::npos);
  EXPECT_NE(heard.find("\"t\":\"result\""), std::string::npos);
  EXPECT_EQ(page_->stats().sessions, 1);
  std::string metrics;
  page_->write_metrics(metrics);
  EXPECT_NE(metrics.find("moonbeam:live_sessions 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("\nmoonbeam:live_frames_total{result=\"answered\"} 1\n"), std::string::npos)
      << metrics;
  events.hang_up();
  for (int i = 0; i < 200 && page_->stats().sessions > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(page_->stats().sessions, 0);
  EXPECT_EQ(ask("POST", target, json, "{}").status, 404);
}

TEST_F(LivePage, SessionsOfEventsHaveNamesOfTheirOwn) {
  start();
  EXPECT_EQ(ask("GET", "/live/events").status, 400);
  EXPECT_EQ(ask("GET", "/live/events?session=../../etc").status, 400);
  TestClient first = client();
  first.say("GET /live/events?session=abcdefgh HTTP/1.1\r\nHost: localhost\r\n\r\n");
  read_until(first, ": ping");
  EXPECT_EQ(ask("GET", "/live/events?session=abcdefgh").status, 409);
}

TEST_F(LivePage, TheSeventeenthSessionOfEventsEndsAtOnce) {
  start();
  std::vector<TestClient> all;
  for (int i = 0; i < 16; ++i) {
    all.push_back(client());
    all.back().say("GET /live/events?session=abcdefg" + std::to_string(i) +
                   " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_until(all.back(), ": ping");
  }
  const Answer late = ask("GET", "/live/events?session=abcdefgh-late");
  EXPECT_NE(late.body.find("too_many_sessions"), std::string::npos);
  EXPECT_TRUE(late.whole);
}

TEST_F(LivePage, KeysGuardSessionsNotFiles) {
  start({}, {server::make_key("someone", "secret")});
  EXPECT_EQ(ask("GET", "/live").status, 200);
  EXPECT_EQ(ask("GET", "/live.js").status, 200);
  EXPECT_EQ(ask("GET", "/live/events?session=abcdefgh").status, 401);
  EXPECT_EQ(ask("POST", "/live/frame?session=abcdefgh").status, 401);
  EXPECT_EQ(ask("GET", "/live/preview.mjpg?session=abcdefgh").status, 404);
}

TEST_F(LivePage, ThePreviewShowsTheSourceToItsSessions) {
  start({.source = std::make_unique<FolderSource>(kStarter + "/samples", std::chrono::milliseconds(100))});
  TestClient events = client();
  events.say("GET /live/events?session=abcdefgh HTTP/1.1\r\nHost: localhost\r\n\r\n");
  read_until(events, ": ping");
  const std::string json = "Content-Type: application/json\r\n", target = "/live/frame?session=abcdefgh";
  ask("POST", target, json, R"({"t":"hello","v":1})");
  ask("POST", target, json, R"({"t":"task","skill":"caption","rev":1})");
  EXPECT_EQ(ask("GET", "/live/preview.mjpg?session=somebody-else").status, 404);
  TestClient preview = client();
  preview.say("GET /live/preview.mjpg?session=abcdefgh HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ask("POST", target, json, R"({"t":"watch"})");
  const std::string shown = read_until(preview, "image/png");
  EXPECT_NE(shown.find("multipart/x-mixed-replace"), std::string::npos);
  EXPECT_NE(shown.find("image/png"), std::string::npos);
  EXPECT_NE(read_until(events, "\"t\":\"result\"").find("\"t\":\"result\""), std::string::npos);
}

TEST(LiveQuery, FindsTheSessionAndNothingElse) {
  EXPECT_EQ(session_of("session=abcdefgh"), "abcdefgh");
  EXPECT_EQ(session_of("a=b&session=abcd-1234&c"), "abcd-1234");
  EXPECT_EQ(session_of("session=short"), "");
  EXPECT_EQ(session_of("session=with%20space"), "");
  EXPECT_EQ(session_of("xsession=abcdefgh"), "");
  EXPECT_EQ(session_of("session=" + std::string(65, 'a')), "");
  EXPECT_EQ(session_of("&&"), "");
}

}  // namespace
}  // namespace moonbeam::live
