// The client against a server that answers as the native API does, and as it should not.
#include "cli/remote/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "cli/remote/key.h"
#include "cli/remote/wire.h"
#include "cli/test_folder.h"
#include "net/test_server.h"

namespace moonbeam::cli {
namespace {

using net::testing::Connection;
using net::testing::Received;
using net::testing::TestServer;
using nlohmann::json;

const std::string kPicture = "\xff\xd8\xff picture";

std::string error_body(const std::string& code, const std::string& message) {
  return json({{"error", {{"message", message}, {"type", "t"}, {"param", nullptr}, {"code", code}}}}).dump();
}

RemoteClient client_of(const TestServer& server, const std::string& key = "") {
  return RemoteClient({.url = server.url(), .key = key, .model = "", .backoff_ms = 1, .whole_ms = 5000}, {});
}

TEST(Remote, AsksWithThePictureAsItIsAndReadsTheAnswer) {
  TestServer server([](const Received&, Connection& connection) {
    connection.answer(200,
                      R"({"answer":"Yes \u00e9","reasoning":{"text":"think","grounding":[{"start_idx":1,)"
                      R"("end_idx":3,"points":[[0.5,0.25]]}]},"request_id":"mb-1","finish_reason":"length",)"
                      R"("metrics":{"input_tokens":7,"output_tokens":2,"encode_time_ms":1.5}})");
  });
  RemoteClient client({.url = server.url() + "/v1/", .key = "secret", .model = "moondream2"}, {});
  const Answer answer = client.ask(kPicture, {.task = Task::kQuery,
                                              .prompt = "Is it & was it?",
                                              .reasoning = true,
                                              .refs = {{.point = Point{0.5, 0.25}, .box = {}}},
                                              .sampling = {.temperature = 0, .top_p = 1, .seed = 3},
                                              .max_tokens = 9});
  EXPECT_EQ(answer.text, "Yes \xc3\xa9");
  EXPECT_EQ(answer.reasoning->grounding[0].points[0].y, 0.25);
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_EQ(answer.metrics.input_tokens, 7);
  EXPECT_EQ(answer.metrics.encode_ms, 1.5);
  const Received request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(
      request.target,
      "/v1/query?max_tokens=9&model=moondream2&question=Is%20it%20%26%20was%20it%3F&reasoning=true&seed=3"
      "&spatial_refs=%5B%5B0.5%2C0.25%5D%5D&temperature=0.0&top_p=1.0");
  EXPECT_EQ(request.body, kPicture);
  EXPECT_EQ(request.header("content-type"), "image/jpeg");
  EXPECT_EQ(request.header("x-moondream-auth"), "secret");
  EXPECT_EQ(request.header("x-image-digest").size(), 64u);
}

TEST(Remote, WithoutTurningAndWithoutAPictureTheFieldsAreJson) {
  TestServer server(
      [](const Received&, Connection& connection) { connection.answer(200, R"({"caption":"c"})"); });
  RemoteClient client = client_of(server);
  client.ask("abcd", {.length = "short", .orientation = false});
  const json body = json::parse(server.requests().at(0).body);
  EXPECT_EQ(body["image_url"], "data:application/octet-stream;base64,YWJjZA==");
  EXPECT_EQ(body["length"], "short");
  TestServer answers(
      [](const Received&, Connection& connection) { connection.answer(200, R"({"answer":"a"})"); });
  client_of(answers).ask("", {.task = Task::kQuery, .prompt = "Why?"});
  EXPECT_FALSE(json::parse(answers.requests().at(0).body).contains("image_url"));
  EXPECT_EQ(answers.requests().at(0).header("x-image-digest"), "");
  EXPECT_EQ(answers.requests().at(0).header("x-moondream-auth"), "");
}

TEST(Remote, ReadsBoxesAndPoints) {
  TestServer server([](const Received& request, Connection& connection) {
    connection.answer(200,
                      request.path() == "/v1/detect"
                          ? R"({"objects":[{"x_min":0.1,"y_min":0.2,"x_max":0.3,"y_max":1.25}]})"
                          : R"({"points":[{"x":0.5,"y":0.75}],"count":1,"warnings":["an old picture"]})");
  });
  RemoteClient client = client_of(server);
  EXPECT_EQ(client.ask(kPicture, {.task = Task::kDetect, .prompt = "o"}).boxes.at(0).y_max, 1.25);
  EXPECT_EQ(client.ask(kPicture, {.task = Task::kDetect, .prompt = "o", .clamp = true}).boxes.at(0).y_max,
            1.0);
  EXPECT_EQ(client.ask(kPicture, {.task = Task::kPoint, .prompt = "o"}).points.at(0).y, 0.75);
  EXPECT_EQ(client.warnings(), std::vector<std::string>{"an old picture"});
}

TEST(Remote, StreamsAsTheEventsCome) {
  TestServer server([](const Received& request, Connection& connection) {
    EXPECT_NE(request.target.find("stream=true"), std::string::npos);
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n"
        ": ping\n\ndata: {\"chunk\": \"A \", \"completed\": false}\n\nda");
    connection.send(
        "ta: {\"chunk\": \"red\", \"completed\": false}\n\n"
        "data: {\"chunk\": \"\", \"completed\": true, \"finish_reason\": \"length\", \"metrics\": "
        "{\"output_tokens\": 2}}\n\n");
  });
  std::string streamed;
  RemoteClient client = client_of(server);
  const Answer answer = client.ask(kPicture, {.on_text = [&](std::string_view piece) {
                                     streamed += std::string(piece) + "|";
                                     return true;
                                   }});
  EXPECT_EQ(streamed, "A |red|");
  EXPECT_EQ(answer.text, "A red");
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_EQ(answer.metrics.output_tokens, 2);
  const Answer stopped = client.ask(kPicture, {.on_text = [](std::string_view) { return false; }});
  EXPECT_EQ(stopped.text, "A ");
  EXPECT_EQ(stopped.finish, Finish::kStopped);
}

TEST(Remote, AStreamThatBreaksOffIsAnError) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
  for (const std::string& rest :
       {std::string("data: {\"chunk\": \"A\", \"completed\": false}\n\n"),
        std::string(
            "data: {\"error\": {\"message\": \"lost\"}, \"completed\": true}\n\ndata: [ERROR] lost\n\n")}) {
    TestServer server([&](const Received&, Connection& connection) { connection.send(head + rest); });
    RemoteClient client = client_of(server);
    EXPECT_THROW(client.ask(kPicture, {.on_text = [](std::string_view) { return true; }}), net::NetworkError);
  }
}

TEST(Remote, ABusyServerIsAskedAgain) {
  std::atomic<int> asked = 0;
  TestServer server([&](const Received&, Connection& connection) {
    if (++asked < 3) {
      return void(
          connection.answer(asked == 1 ? 429 : 503, error_body("queue_full", "full"), "Retry-After: 0\r\n"));
    }
    connection.answer(200, R"({"caption":"c"})");
  });
  EXPECT_EQ(client_of(server).ask(kPicture, {}).text, "c");
  EXPECT_EQ(asked, 3);
  TestServer full([&](const Received&, Connection& connection) {
    connection.answer(503, error_body("shutting_down", "going"));
  });
  try {
    client_of(full).ask(kPicture, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kExhausted);
    EXPECT_NE(std::string(error.what()).find("503: going"), std::string::npos) << error.what();
  }
  EXPECT_EQ(full.requests().size(), 4u);
}

TEST(Remote, ErrorsOfTheServerKeepTheirKind) {
  struct Case {
    int status;
    const char* code;
    ErrorCode kind;
  };
  for (const Case& one :
       {Case{400, "invalid_value", ErrorCode::kInvalidArgument},
        Case{400, "image_decode_failed", ErrorCode::kCorrupt},
        Case{400, "unsupported_option", ErrorCode::kUnsupported},
        Case{401, "invalid_api_key", ErrorCode::kInvalidArgument},
        Case{404, "model_not_found", ErrorCode::kNotFound},
        Case{413, "image_too_large", ErrorCode::kExhausted}, Case{422, "", ErrorCode::kCorrupt},
        Case{501, "unsupported_task", ErrorCode::kUnsupported},
        Case{504, "deadline_exceeded", ErrorCode::kExhausted}}) {
    TestServer server([&](const Received&, Connection& connection) {
      connection.answer(one.status, error_body(one.code, "the reason"));
    });
    for (const bool stream : {false, true}) {
      try {
        Ask ask;
        if (stream) ask.on_text = [](std::string_view) { return true; };
        client_of(server).ask(kPicture, ask);
        ADD_FAILURE() << one.status;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), one.kind) << error.what();
        EXPECT_NE(std::string(error.what()).find("the reason"), std::string::npos) << error.what();
        EXPECT_EQ(dynamic_cast<const net::NetworkError*>(&error), nullptr);
      }
    }
  }
  for (const int status : {301, 408, 500, 502}) {
    TestServer server([&](const Received&, Connection& connection) { connection.answer(status, "{}"); });
    EXPECT_THROW(client_of(server).ask(kPicture, {}), ServerError) << status;
  }
}

TEST(Remote, WhatIsNoAnswerIsTheNetworksFault) {
  const std::string deep = "{\"warnings\":" + std::string(500'000, '[') + std::string(500'000, ']') + "}";
  for (const std::string& body : std::initializer_list<std::string>{
           deep, "", "[]", "nonsense", "{}", R"({"caption":null})", R"({"caption":3})", R"({"answer":"a"})",
           R"({"objects":{}})", R"({"objects":[3]})", R"({"objects":[{"x_min":"0"}]})"}) {
    TestServer server([&](const Received&, Connection& connection) { connection.answer(200, body); });
    EXPECT_THROW(client_of(server).ask(kPicture, {}), net::NetworkError) << body;
    EXPECT_THROW(client_of(server).ask(kPicture, {.task = Task::kDetect, .prompt = "o"}), net::NetworkError)
        << body;
  }
  TestServer station([&](const Received&, Connection& connection) {  // an error with status 200
    connection.answer(200, R"({"error": "no model"})");
  });
  EXPECT_THROW(client_of(station).ask(kPicture, {}), Error);
  RemoteClient nobody({.url = "http://127.0.0.1:1", .key = "", .model = ""}, {});
  EXPECT_THROW(nobody.ask(kPicture, {}), net::NetworkError);
  EXPECT_THROW(RemoteClient({.url = "localhost:2020", .key = "", .model = ""}, {}), Error);
}

TEST(RemoteKey, ComesFromFlagsFilesOrTheEnvironment) {
  const TestFolder folder;
  EXPECT_EQ(api_key({.url = "", .key = "typed", .key_file = folder.path("nothing")}), "typed");
  EXPECT_EQ(api_key({.url = "", .key = "", .key_file = folder.put("key", " of-file \nmore")}), "of-file");
  EXPECT_THROW(api_key({.url = "", .key = "", .key_file = folder.path("nothing")}), Error);
  EXPECT_THROW(api_key({.url = "", .key = "", .key_file = folder.put("empty", "# none\n")}), Error);
  EXPECT_THROW(api_key({.url = "", .key = "a\r\nHost: b", .key_file = ""}), Error);
  ::setenv("MOONDREAM_API_KEY", "makers", 1);
  EXPECT_EQ(api_key({}), "makers");
  ::setenv("MOONBEAM_API_KEY", "ours", 1);
  EXPECT_EQ(api_key({}), "ours");
  ::unsetenv("MOONDREAM_API_KEY");
  ::unsetenv("MOONBEAM_API_KEY");
  EXPECT_EQ(api_key({}), "");
}

TEST(RemoteKey, AServersOwnSettingsGiveItsFirstKey) {
  const TestFolder folder;
  const std::string keys = folder.put("keys", "# of the lab\n\nalice: first\nsecond\n");
  EXPECT_EQ(api_key({.url = "", .key = "", .key_file = keys}), "first");
  EXPECT_EQ(api_key({.url = "", .key = "one, two", .key_file = ""}), "one");
}

}  // namespace
}  // namespace moonbeam::cli
