// The protocol against an answerer that needs no model: handshake, tools, errors, cancelling, folders.
#include "cli/mcp/server.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <filesystem>
#include <future>
#include <random>

#include "cli/test_folder.h"

namespace moonbeam::mcp {
namespace {

using cli::Ask;
using cli::TestFolder;

/// Says what it was asked; waits where a test wants it to.
class Parrot : public cli::Answerer {
 public:
  cli::Abilities abilities() override { return {"parrot", detects, reasons, {"short", "normal"}}; }
  cli::Answer ask(const std::string& picture, const Ask& ask) override {
    ++asked;
    while (waiting) {
      if (!ask.progress({Progress::Stage::kEncode, 1, 2})) throw Error(ErrorCode::kCancelled, "cancelled");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (ask.prompt == "throw") throw Error(ErrorCode::kCorrupt, "the picture: is broken");
    cli::Answer answer;
    answer.text = picture + "|" + ask.prompt + "|" + ask.length + (ask.reasoning ? "|thought" : "");
    if (ask.task == cli::Task::kDetect) answer.boxes = {{0.1, 0.2, 0.3, 0.4}};
    if (ask.task == cli::Task::kPoint) answer.points = {{0.5, 0.25}};
    return answer;
  }
  bool detects = true, reasons = true;
  std::atomic<bool> waiting = false;
  std::atomic<int> asked = 0;
};

class McpServer : public ::testing::Test {
 protected:
  McpServer() { folder_.put("root/cat.jpg", "CAT"); }
  void start() {
    server_.reset();
    server_ =
        std::make_unique<Server>(parrot_, Roots({folder_.path("root")}), [this](const std::string& line) {
          const std::lock_guard lock(mutex_);
          sent_.push_back(Json::parse(line));
          return true;
        });
  }
  void open(const std::string& version = "2025-06-18") {
    start();
    say({{"jsonrpc", "2.0"},
         {"id", 0},
         {"method", "initialize"},
         {"params",
          {{"protocolVersion", version},
           {"capabilities", Json::object()},
           {"clientInfo", {{"name", "t"}}}}}});
    server_->receive(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  }
  void say(const Json& message) { server_->receive(message.dump()); }
  std::vector<Json> sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
  }
  /// What came for one line, once all calls are done.
  Json reply(const std::string& line) {
    {
      const std::lock_guard lock(mutex_);
      sent_.clear();
    }
    server_->receive(line);
    server_->finish();
    const std::vector<Json> all = sent();
    return all.empty() ? Json() : all.back();
  }
  Json call(const std::string& tool, const Json& arguments) {
    return reply(Json({{"jsonrpc", "2.0"},
                       {"id", 7},
                       {"method", "tools/call"},
                       {"params", {{"name", tool}, {"arguments", arguments}}}})
                     .dump());
  }
  std::string error_of(const Json& arguments, const std::string& tool = "query") {
    const Json result = call(tool, arguments)["result"];
    EXPECT_EQ(result["isError"], true) << result;
    return result["content"][0]["text"].get<std::string>();
  }

  const TestFolder folder_;
  Parrot parrot_;
  std::mutex mutex_;
  std::vector<Json> sent_;
  std::unique_ptr<Server> server_;
};

TEST_F(McpServer, NegotiatesTheVersion) {
  for (const auto& [wanted, got] : std::map<std::string, std::string>{{"2024-11-05", "2024-11-05"},
                                                                      {"2025-03-26", "2025-03-26"},
                                                                      {"2025-06-18", "2025-06-18"},
                                                                      {"1999-01-01", "2025-06-18"}}) {
    open(wanted);
    const Json result = sent().back()["result"];
    EXPECT_EQ(result["protocolVersion"], got);
    EXPECT_EQ(result["serverInfo"]["name"], "moonbeam");
    EXPECT_TRUE(result["capabilities"].contains("tools"));
  }
  start();
  EXPECT_EQ(reply(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")["error"]["code"], -32600);
  EXPECT_EQ(reply(R"({"jsonrpc":"2.0","id":"a","method":"ping"})"),
            Json::parse(R"({"jsonrpc":"2.0","id":"a","result":{}})"));
  EXPECT_EQ(reply(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{}})")["error"]["code"], -32602);
}

TEST_F(McpServer, DescribesItsFourTools) {
  open();
  const Json tools = reply(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")["result"]["tools"];
  ASSERT_EQ(tools.size(), 4u);
  EXPECT_EQ(tools[0]["name"], "caption");
  EXPECT_EQ(tools[0]["inputSchema"]["properties"]["length"]["enum"], Json({"short", "normal"}));
  EXPECT_EQ(tools[1]["inputSchema"]["required"], Json({"image", "question"}));
  EXPECT_EQ(tools[2]["inputSchema"]["required"], Json({"image", "object"}));
  for (const Json& tool : tools) {
    EXPECT_EQ(tool["inputSchema"]["additionalProperties"], false);
    EXPECT_EQ(tool["outputSchema"]["type"], "object");
  }
  parrot_.detects = parrot_.reasons = false;
  open();
  const Json fewer = reply(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")["result"]["tools"];
  ASSERT_EQ(fewer.size(), 2u);
  EXPECT_FALSE(fewer[1]["inputSchema"]["properties"].contains("reasoning"));
  EXPECT_EQ(call("detect", {{"image", "cat.jpg"}, {"object", "cat"}})["error"]["code"], -32602);
}

TEST_F(McpServer, AnswersWithTextAndStructure) {
  open();
  const Json caption = call("caption", {{"image", "cat.jpg"}, {"length", "short"}})["result"];
  EXPECT_EQ(caption["content"][0]["text"], "CAT||short");
  EXPECT_EQ(caption["structuredContent"], Json({{"caption", "CAT||short"}, {"finish_reason", "stop"}}));
  EXPECT_EQ(caption["isError"], false);
  const Json query =
      call("query",
           {{"image", folder_.path("root/cat.jpg")}, {"question", "what?"}, {"reasoning", true}})["result"];
  EXPECT_EQ(query["structuredContent"]["answer"], "CAT|what?|normal|thought");
  const Json detect =
      call("detect", {{"image", "./cat.jpg"}, {"object", "cat"}, {"max_objects", 3}})["result"];
  EXPECT_EQ(detect["structuredContent"]["objects"][0]["y_max"], 0.4);
  EXPECT_EQ(Json::parse(detect["content"][0]["text"].get<std::string>()), detect["structuredContent"]);
  const Json point =
      call("point", {{"image", "file://" + folder_.path("root/c%61t.jpg")}, {"object", "cat"}});
  EXPECT_EQ(point["result"]["structuredContent"]["count"], 1);
}

TEST_F(McpServer, TakesPicturesInTheCallItself) {
  open();
  const std::string base64 = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgK";
  const Json data = call("caption", {{"image", "data:image/jpeg;base64," + base64}})["result"];
  EXPECT_EQ(data["isError"], false) << data;
  const Json bare = call("caption", {{"image", base64}})["result"];
  EXPECT_EQ(bare["content"], data["content"]);
  EXPECT_NE(error_of({{"image", "data:image/jpeg;base64,***"}}, "caption").find("base64"), std::string::npos);
  EXPECT_NE(error_of({{"image", "https://example.org/a.jpg"}}, "caption").find("nothing is fetched"),
            std::string::npos);
}

TEST_F(McpServer, ErrorsOfACallAreResultsThatSayWhy) {
  open();
  EXPECT_EQ(error_of({{"image", "cat.jpg"}}), "'question': expected, got nothing");
  EXPECT_EQ(error_of({{"image", 3}, {"question", "?"}}), "'image': expected a string, got number");
  EXPECT_EQ(error_of({{"image", "cat.jpg"}, {"question", "  "}}),
            "'question': expected a text, got an empty one");
  EXPECT_NE(
      error_of({{"image", "cat.jpg"}, {"question", "?"}, {"lenght", 1}}).find("there are image, question"),
      std::string::npos);
  EXPECT_NE(error_of({{"image", "dog.jpg"}, {"question", "?"}}).find("no such file"), std::string::npos);
  EXPECT_EQ(error_of({{"image", "cat.jpg"}, {"question", "throw"}}), "the picture: is broken");
  EXPECT_NE(error_of({{"image", "cat.jpg"}, {"length", "long"}}, "caption").find("short, normal"),
            std::string::npos);
  for (const Json& bad : {Json(0), Json(1001), Json("1"), Json(1.5), Json(nullptr), Json(-1)}) {
    EXPECT_NE(
        error_of({{"image", "cat.jpg"}, {"object", "cat"}, {"max_objects", bad}}, "detect").find("1 to 1000"),
        std::string::npos);
  }
}

TEST_F(McpServer, ReadsNothingOutsideOfItsFolders) {
  folder_.put("secret.jpg", "SECRET");
  folder_.put("root2/secret.jpg", "SECRET");
  std::filesystem::create_symlink(folder_.path("secret.jpg"), folder_.path("root/link.jpg"));
  std::filesystem::create_directory_symlink(folder_.path(""), folder_.path("root/up"));
  std::filesystem::create_symlink("cat.jpg", folder_.path("root/inside.jpg"));
  open();
  for (const std::string& path :
       {folder_.path("secret.jpg"), folder_.path("root2/secret.jpg"), folder_.path("nothing-here"),
        std::string("../secret.jpg"), std::string("link.jpg"), std::string("up/secret.jpg"),
        std::string("./../root/../secret.jpg"), std::string("/etc/passwd"), std::string("/etc/nothing"),
        "file://" + folder_.path("secret.jpg"), folder_.path("root/../secret.jpg"),
        std::string("/proc/self/environ"), std::string("file:///etc/%70asswd"), std::string("/dev/zero"),
        std::string("cat.jpg\0", 8)}) {
    const std::string error = error_of({{"image", path}, {"question", "?"}});
    EXPECT_NE(error.find("outside of the folders"), std::string::npos) << path << ": " << error;
    EXPECT_EQ(error.find("SECRET"), std::string::npos);
  }
  EXPECT_NE(error_of({{"image", "."}, {"question", "?"}}), "");
  EXPECT_EQ(parrot_.asked, 0);
  EXPECT_EQ(call("caption", {{"image", "inside.jpg"}})["result"]["isError"], false);
}

TEST_F(McpServer, CancelledCallsGetNoAnswerAndPingsDoMeanwhile) {
  open();
  parrot_.waiting = true;
  {
    const std::lock_guard lock(mutex_);
    sent_.clear();
  }
  const auto start_call = [&](int id) {
    say({{"jsonrpc", "2.0"},
         {"id", id},
         {"method", "tools/call"},
         {"params",
          {{"name", "caption"},
           {"arguments", {{"image", "cat.jpg"}}},
           {"_meta", {{"progressToken", "p"}}}}}});
  };
  start_call(1), start_call(2);
  while (parrot_.asked == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  say({{"jsonrpc", "2.0"}, {"id", 3}, {"method", "ping"}});
  say({{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 1}}}});
  say({{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 99}}}});
  while (parrot_.asked < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  parrot_.waiting = false;
  server_->finish();
  std::vector<Json> ids;
  double progress = -1;
  for (const Json& message : sent()) {
    if (message.contains("id")) ids.push_back(message["id"]);
    if (message.value("method", "") != "notifications/progress") continue;
    EXPECT_EQ(message["params"]["progressToken"], "p");
    progress = message["params"]["progress"].get<double>();
  }
  EXPECT_EQ(ids, (std::vector<Json>{3, 2}));
  EXPECT_EQ(progress, 1.5);
}

TEST_F(McpServer, BatchesBelongToOneVersion) {
  const std::string batch =
      R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},)"
      R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"caption","arguments":{"image":"cat.jpg"}}},3,{},{"jsonrpc":"2.0","id":9,"result":{}}])";
  open("2025-06-18");
  EXPECT_EQ(reply(batch)["error"]["code"], -32600);
  open("2025-03-26");
  const Json all = reply(batch);
  ASSERT_TRUE(all.is_array());
  EXPECT_EQ(all.size(), 4u) << all;
  EXPECT_EQ(reply("[]")["error"]["code"], -32600);
}

TEST_F(McpServer, AMegabyteOfBracketsIsAnError) {
  open();
  const std::string deep = std::string(500'000, '[') + std::string(500'000, ']');
  for (const char* field : {"id", "params", "method", "jsonrpc"}) {
    const std::string line =
        R"({"jsonrpc":"2.0","id":1,"method":"ping",")" + std::string(field) + "\":" + deep + "}";
    EXPECT_EQ(reply(line)["error"]["code"], -32700) << field;
  }
  EXPECT_EQ(reply(R"({"jsonrpc":"2.0","id":1,"method":"ping"})")["id"], 1);
}

TEST_F(McpServer, TwoHundredMalformedMessagesChangeNothing) {
  open();
  std::vector<std::string> bad = {
      "{",
      "}",
      "nonsense",
      "\"text\"",
      "1",
      "null",
      "true",
      "[]",
      "[1]",
      "{}",
      "{\"jsonrpc\":\"2.0\"}",
      R"({"jsonrpc":"1.0","id":1,"method":"ping"})",
      R"({"id":1,"method":"ping"})",
      R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
      R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})",
      R"({"jsonrpc":"2.0","id":[],"method":"ping"})",
      R"({"jsonrpc":"2.0","id":{},"method":"ping"})",
      R"({"jsonrpc":"2.0","id":1,"method":3})",
      R"({"jsonrpc":"2.0","id":1,"method":null})",
      R"({"jsonrpc":"2.0","id":1})",
      R"({"jsonrpc":"2.0","id":1,"method":"nothing"})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":3})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call"})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"caption","arguments":[]}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"caption","arguments":"x"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"caption"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"../../tools/call"})",
      std::string("\xff\xfe{}", 4),
      R"({"jsonrpc":"2.0","id":1,"method":"ping)",
      std::string("{\"a\":\"\0\"}", 9)};
  for (const char* value : {"-1", "0", "1e309", "9223372036854775808", "\"\"", "\"x\"", "true", "null", "[]",
                            "{}", "\"\\ud800\"", "[[[[]]]]"}) {
    for (const char* name : {"image", "question", "reasoning", "other"}) {
      bad.push_back(
          std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query",)") +
          R"("arguments":{")" + name + "\":" + value + "}}}");
    }
    bad.push_back(
        std::string(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":)") +
        (std::string(value) == "\"\"" || std::string(value) == "\"x\"" || std::string(value) == "\"\\ud800\""
             ? "0"
             : value) +
        "}}");
  }
  bad.push_back(std::string(100'000, '['));
  bad.push_back("{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}");
  const std::string good =
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"image":3}}})";
  std::mt19937 random(5);
  while (bad.size() < 220) {  // cut off, or with one wrong byte that ends the text
    std::string text = good.substr(0, 1 + random() % (good.size() - 1));
    bad.push_back(std::move(text));
  }
  for (const std::string& line : bad) {
    const Json answer = reply(line);
    const bool error = answer.contains("error") || answer.contains("result");
    EXPECT_TRUE(error) << line.substr(0, 200) << " -> " << answer;
    if (answer.contains("error")) {
      const int code = answer["error"]["code"].get<int>();
      EXPECT_TRUE(code == -32700 || code == -32600 || code == -32601 || code == -32602) << code;
    } else {
      EXPECT_EQ(answer["result"]["isError"], true) << line;
    }
  }
  for (const char* notification :
       {R"({"jsonrpc":"2.0","method":"notifications/cancelled"})",
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}})",
        R"({"jsonrpc":"2.0","method":"nothing"})", R"({"jsonrpc":"2.0","method":"x","params":3})",
        R"({"jsonrpc":"2.0","id":4,"result":{}})", "", "   ", "\r"}) {
    EXPECT_TRUE(reply(notification).is_null()) << notification;
  }
  EXPECT_EQ(parrot_.asked, 0);
  EXPECT_EQ(call("caption", {{"image", "cat.jpg"}})["result"]["isError"], false);
}

}  // namespace
}  // namespace moonbeam::mcp
