// Verbs with --remote against a server on the loopback that knows its answers by heart.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "net/test_server.h"
#include "tests/cli/fixtures.h"

namespace moonbeam::test {
namespace {

using net::testing::Connection;
using net::testing::Received;
using net::testing::TestServer;

std::string answer_to(const Received& request) {
  const std::string size = std::to_string(request.body.size());
  if (request.path() == "/v1/detect") {
    return R"({"objects":[{"x_min":0.25,"y_min":0.25,"x_max":0.5,"y_max":0.5}],"finish_reason":"stop"})";
  }
  if (request.path() == "/v1/point") return R"({"points":[{"x":0.5,"y":0.5}],"count":1})";
  if (request.path() == "/v1/query") return R"({"answer":"answer )" + size + R"("})";
  return R"({"caption":"caption )" + size + R"(","metrics":{"input_tokens":5,"output_tokens":2}})";
}

std::vector<std::string> remote(const TestServer& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--remote", server.url(), "--quiet"});
  return arguments;
}

class RemoteVerb : public ::testing::Test {
 protected:
  TestServer server_{
      [](const Received& request, Connection& connection) { connection.answer(200, answer_to(request)); }};
  const TestFolder folder_;
};

TEST_F(RemoteVerb, FourVerbsAskTheServer) {
  EXPECT_EQ(run(remote(server_, {"caption", folder_.put("a.jpg", "12345")})).out, "caption 5\n");
  EXPECT_EQ(run(remote(server_, {"query", folder_.path("a.jpg"), "-q", "one", "-q", "two"})).out,
            "one answer 5\ntwo answer 5\n");
  EXPECT_EQ(run(remote(server_, {"query", "Why?"})).status, 0);
  EXPECT_EQ(run(remote(server_, {"detect", folder_.path("a.jpg"), "cat"})).out,
            "0.2500 0.2500 0.5000 0.5000\n");
  const json point = json::parse(run(remote(server_, {"point", folder_.path("a.jpg"), "cat", "--json"})).out);
  EXPECT_EQ(point["count"], 1);
  EXPECT_EQ(point["object"], "cat");
}

TEST_F(RemoteVerb, ARunHasSeveralPicturesUnderWayAndKeepsTheirOrder) {
  std::atomic<int> now = 0, most = 0;
  TestServer slow([&](const Received& request, Connection& connection) {
    const int running = ++now;
    for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(request.body.size() % 3 == 0 ? 150 : 20));
    --now;  // before the client hears of it and sends the next
    connection.answer(200, answer_to(request));
  });
  std::string expected;
  for (int i = 1; i <= 12; ++i) {
    const std::string name = folder_.put("in/" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ".jpg",
                                         std::string(static_cast<std::size_t>(i), 'x'));
    expected += name + ": caption " + std::to_string(i) + "\n";
  }
  const Ran ran = run(remote(slow, {"caption", folder_.path("in")}));
  EXPECT_EQ(ran.out, expected) << ran.err;
  EXPECT_GT(most, 1);
  EXPECT_LE(most, 4);
}

TEST_F(RemoteVerb, ADrawingAndCocoNeedThePixels) {
  const std::string drawing = folder_.path("out.png");
  EXPECT_EQ(run(remote(server_, {"detect", sample("s1.png"), "cat", "--draw", drawing})).status, 0);
  EXPECT_GT(std::filesystem::file_size(drawing), 1000u);
  const Ran coco = run(remote(server_, {"detect", sample("s1.png"), "cat", "--format", "coco"}));
  EXPECT_EQ(json::parse(coco.out)[0]["bbox"], json({49.0, 49.0, 49.0, 49.0}));
}

TEST_F(RemoteVerb, ResumedLinesSayWhoAnswered) {
  folder_.put("in/a.jpg", "1");
  folder_.put("in/b.jpg", "12");
  const std::vector<std::string> words =
      remote(server_, {"caption", folder_.path("in"), "--json", "-o", folder_.path("out"), "--resume"});
  ASSERT_EQ(run(words).status, 0);
  const std::vector<json> lines = json_lines(folder_.get("out"));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0]["options"].dump().find(server_.url()), std::string::npos);
  server_.forget_requests();
  ASSERT_EQ(run(words).status, 0);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(RemoteVerb, ExitStatusSaysWhatWentWrong) {
  const std::string picture = folder_.put("a.jpg", "1");
  EXPECT_EQ(run({"caption", picture, "--remote", "http://127.0.0.1:1", "--quiet"}).status, 7);
  EXPECT_EQ(run({"caption", picture, picture, "--remote", "http://127.0.0.1:1", "--quiet"}).status, 7);
  expect_refused(run({"caption", picture, "--remote", "nonsense"}), 2);
  expect_refused(run({"gaze", picture, "0.5,0.5", "--remote", server_.url()}), 5);
  expect_refused(run({"caption", picture, "--remote", server_.url(), "--mode", "int8"}), 2);
  expect_refused(run({"caption", folder_.path("none.jpg"), "--remote", server_.url()}), 3);
  TestServer picky([](const Received& request, Connection& connection) {
    if (request.body.size() == 1) {
      return void(connection.answer(
          400,
          R"({"error":{"message":"image: broken","type":"t","param":null,"code":"image_decode_failed"}})"));
    }
    connection.answer(200, answer_to(request));
  });
  expect_refused(run(remote(picky, {"caption", picture})), 4);
  const Ran some = run(remote(picky, {"caption", picture, folder_.put("b.jpg", "22")}));
  EXPECT_EQ(some.status, 1) << some.err;
  EXPECT_EQ(some.out, folder_.path("b.jpg") + ": caption 2\n");
}

TEST_F(RemoteVerb, StreamsAndTakesItsKeyAndUrlFromTheEnvironment) {
  TestServer stream([](const Received& request, Connection& connection) {
    if (request.header("x-moondream-auth") != "secret") {
      return void(connection.answer(401, R"({"error":{"message":"no key","code":"missing_api_key"}})"));
    }
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        "data: {\"chunk\": \" A\"}\n\ndata: {\"chunk\": \" dog.\"}\n\n"
        "data: {\"chunk\": \"\", \"completed\": true}\n\n");
  });
  const std::string picture = folder_.put("a.jpg", "1");
  const Ran refused = run({"caption", picture, "--stream"}, {.env = {{"MOONBEAM_REMOTE", stream.url()}}});
  expect_refused(refused, 2);
  EXPECT_NE(refused.err.find("MOONDREAM_API_KEY"), std::string::npos) << refused.err;
  const Ran ran = run({"caption", picture, "--stream"}, {.env = {{"MOONBEAM_REMOTE", stream.url()},
                                                                 {"MOONBEAM_MODEL", "/nowhere"},
                                                                 {"MOONDREAM_API_KEY", "secret"}}});
  EXPECT_EQ(ran.out, "A dog.\n") << ran.err;
  EXPECT_EQ(stream.requests().back().target.find("model="), std::string::npos);
}

TEST_F(RemoteVerb, McpAsksTheServerToo) {
  folder_.put("a.jpg", "12345");
  const std::string lines =
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})"
      "\n"
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"caption","arguments":{"image":"a.jpg"}}})"
      "\n";
  const Ran ran = run({"mcp", "--remote", server_.url(), "--root", folder_.path("")}, {.input = lines});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(json_lines(ran.out).at(1)["result"]["structuredContent"]["caption"], "caption 5");
}

/// `moonbeam serve` with the starter, on a free port.
class RealServer : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 3000 && port_.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (folder_.has("port")) port_ = folder_.get("port");
    }
    while (!port_.empty() && port_.back() <= ' ') port_.pop_back();
    ASSERT_FALSE(port_.empty());
  }
  std::string url() const { return "http://127.0.0.1:" + port_; }
  /// The same words, answered by the server and by a model of the program's own.
  void expect_same(std::vector<std::string> words) {
    std::vector<std::string> far = words;
    words.insert(words.end(), {"-m", kStarter, "--quiet"});
    far.insert(far.end(), {"--remote", url(), "--api-key", "secret", "--quiet"});
    const Ran here = run(words), there = run(far);
    EXPECT_EQ(there.status, here.status) << there.err;
    EXPECT_EQ(there.out, here.out) << words[0] << " " << there.err;
    EXPECT_NE(here.out, "");
  }

  const TestFolder folder_;
  std::string port_;
  Background server_{{"serve", "-m", kStarter, "--port", "0", "--port-file", folder_.path("port"),
                      "--api-key", "secret", "--quiet"}};
};

TEST_F(RealServer, AnswersAsAModelOfTheProgramsOwn) {
  const std::string pictures = kStarter + "/samples";
  expect_same({"caption", pictures});
  expect_same({"caption", pictures, "--length", "short", "--format", "csv"});
  expect_same({"caption", sample("s1.png"), "--stream"});
  expect_same({"query", sample("s1.png"), sample("s2.png"), "-q", "Is there a dog?", "-q",
               "How many apples are there?"});
  expect_same({"detect", pictures, "--object", "apple", "--object", "dog", "--clamp"});
  expect_same({"detect", pictures, "apple", "--clamp", "--format", "coco"});
  expect_same({"point", sample("s1.png"), "apples", "--clamp"});
  EXPECT_EQ(run({"caption", sample("s1.png"), "--remote", url()}).status, 2);
  EXPECT_EQ(run({"caption", kStarter + "/config.json", "--remote", url(), "--api-key", "secret"}).status, 4);
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.wait_at_most(30).status, 0);
  EXPECT_EQ(run({"caption", sample("s1.png"), "--remote", url()}).status, 7);
}

}  // namespace
}  // namespace moonbeam::test
