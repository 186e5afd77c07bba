// Replays what clients have sent (tests/wire) and compares status, names of headers, keys and types of JSON
// with what they were answered then.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "running.h"
#include "server/http/test_client.h"

namespace moonbeam::server {
namespace {

using nlohmann::json;
using testing::kTests;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Case {
  std::string name, method, path, request, response;
};

std::vector<Case> all_cases() {
  std::vector<Case> out;
  const json index = json::parse(read_file(kTests + "wire/index.json"));
  for (const json& one : index["cases"])
    out.push_back({one["name"], one["method"], one["path"],
                   read_file(kTests + "wire/" + std::string(one["request"])),
                   read_file(kTests + "wire/" + std::string(one["response"]))});
  return out;
}

/// Routes whose answers are not those of this test.
bool is_elsewhere(const Case& of) {
  return of.path == "/health";
}

/// What the recording server did and we do not.
int expected_status(const Case& of) {
  if (of.path == "/v1/segment") return 501;
  if (of.name.find("_httpurl") != std::string::npos) return 400;
  return 200;
}

Answer parsed(const std::string& response) {
  Answer out;
  const std::size_t end = response.find("\r\n\r\n");
  out.head = response.substr(0, end + 2);
  out.status = std::stoi(out.head.substr(9, 3));
  for (std::size_t at = out.head.find("\r\n") + 2; at < out.head.size(); at = out.head.find("\r\n", at) + 2) {
    std::string name = out.head.substr(at, out.head.find(':', at) - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::size_t value = out.head.find(": ", at) + 2;
    out.headers[name] = out.head.substr(value, out.head.find("\r\n", at) - value);
  }
  out.body = response.substr(end + 4);
  if (!out.headers.contains("transfer-encoding")) return out;
  std::string body;
  for (std::size_t at = 0;;) {
    const std::size_t line = out.body.find("\r\n", at),
                      size = std::stoul(out.body.substr(at, line - at), nullptr, 16);
    if (size == 0) break;
    body += out.body.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  out.body = body;
  return out;
}

/// Every key of `recorded` is in `ours`, with a value of its type; of arrays the first elements speak.
void expect_shape(const json& ours, const json& recorded, const std::string& where) {
  if (recorded.is_number()) {
    EXPECT_TRUE(ours.is_number()) << where;
    return;
  }
  ASSERT_EQ(ours.type_name(), std::string(recorded.type_name())) << where;
  if (recorded.is_object()) {
    for (const auto& [key, value] : recorded.items()) {
      ASSERT_TRUE(ours.contains(key)) << where << "." << key;
      expect_shape(ours[key], value, where + "." + key);
    }
  }
  if (recorded.is_array() && !recorded.empty() && !ours.empty())
    expect_shape(ours[0], recorded[0], where + "[0]");
}

std::vector<json> events_of(const std::string& body) {
  std::vector<json> out;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = body.find("\n\n", at);
    EXPECT_NE(end, std::string::npos) << "an event without its end";
    if (end == std::string::npos) break;
    const std::string line = body.substr(at, end - at);
    at = end + 2;
    if (line.starts_with(":")) continue;
    EXPECT_TRUE(line.starts_with("data: {")) << line;
    out.push_back(json::parse(line.substr(6)));
  }
  return out;
}

/// OpenAI's: the chunks, and a last event that is none.
void expect_chunks(const Answer& ours, const Answer& recorded) {
  const std::string done = "data: [DONE]\n\n";
  ASSERT_TRUE(ours.body.ends_with(done)) << ours.body;
  const auto chunks = events_of(ours.body.substr(0, ours.body.size() - done.size())),
             model = events_of(recorded.body.substr(0, recorded.body.size() - done.size()));
  ASSERT_GE(chunks.size(), 3u);
  expect_shape(chunks.front(), model.front(), "first");
  expect_shape(chunks.back(), model.back(), "last");
  for (std::size_t i = 1; i + 2 < chunks.size(); ++i) expect_shape(chunks[i], model[1], "chunk");
}

/// Ollama's: JSON, line by line.
void expect_lines(const Answer& ours, const Answer& recorded) {
  const auto lines_of = [](const std::string& body) {
    std::vector<json> out;
    for (std::size_t at = 0; at < body.size(); at = body.find('\n', at) + 1)
      out.push_back(json::parse(body.substr(at, body.find('\n', at) - at)));
    return out;
  };
  const auto lines = lines_of(ours.body), model = lines_of(recorded.body);
  ASSERT_GE(lines.size(), 2u);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) expect_shape(lines[i], model.front(), "line");
  expect_shape(lines.back(), model.back(), "last");
}

/// The recording server also played Station's form, which lacks what the cloud's has: ours has all of it.
void expect_stream(const Answer& ours, const Answer& recorded) {
  const auto events = events_of(ours.body), model = events_of(recorded.body);
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events.back()["completed"], true);
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    // Thoughts come in an event of their own.
    if (events[i].contains("reasoning")) continue;
    expect_shape(events[i], model.front(), "event");
  }
  if (model.back().contains("metrics")) expect_shape(events.back(), model.back(), "last");
  EXPECT_EQ(ours.body.find("[DONE]"), std::string::npos);
}

void expect_headers(const Answer& ours, const Answer& recorded) {
  for (const auto& [name, value] : recorded.headers) {
    // The recording server let everybody in, and hung up on everybody.
    if (name == "access-control-allow-origin" || name == "connection") continue;
    EXPECT_TRUE(ours.headers.contains(name)) << name;
  }
  const auto media_type = [](const Answer& of) {
    const std::string& value = of.headers.at("content-type");
    return value.substr(0, value.find(';'));
  };
  EXPECT_EQ(media_type(ours), media_type(recorded));
}

TEST(Wire, RequestsOfClientsAreAnsweredInTheirShape) {
  const testing::RunningServer server(testing::thinking_starter(), {.max_tokens = 24});
  int replayed = 0;
  for (const Case& of : all_cases()) {
    if (is_elsewhere(of)) continue;
    SCOPED_TRACE(of.name);
    ++replayed;
    TestClient client(server.port());
    const Answer ours = client.ask(of.request, 30'000), recorded = parsed(of.response);
    ASSERT_TRUE(ours.whole);
    ASSERT_EQ(ours.status, expected_status(of)) << ours.body;
    EXPECT_TRUE(std::all_of(ours.body.begin(), ours.body.end(),
                            [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    if (ours.status != 200) {
      const json error = json::parse(ours.body)["error"];
      for (const char* key : {"message", "type", "param", "code"}) EXPECT_TRUE(error.contains(key)) << key;
      continue;
    }
    expect_headers(ours, recorded);
    const bool stream = recorded.headers.contains("transfer-encoding");
    if (stream && of.path == "/v1/chat/completions") {
      expect_chunks(ours, recorded);
    } else if (stream && of.path.starts_with("/api/")) {
      expect_lines(ours, recorded);
    } else if (stream) {
      expect_stream(ours, recorded);
    } else {
      expect_shape(json::parse(ours.body), json::parse(recorded.body), of.name);
    }
    if (of.request.find("onnection: close") == std::string::npos) continue;
    EXPECT_EQ(ours.headers.at("connection"), "close");
    EXPECT_TRUE(client.closes());
  }
  EXPECT_EQ(replayed, 79);
}

TEST(Wire, AnswersOfPatientClientsCarryTheirIds) {
  const testing::RunningServer server(testing::thinking_starter(), {.max_tokens = 4});
  TestClient client(server.port());
  const std::string body = R"({"question": "q"})";
  const std::string head =
      "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n";
  const Answer first = client.ask(head + "X-Request-Id: mine.1\r\n\r\n" + body);
  EXPECT_EQ(first.headers.at("x-request-id"), "mine.1");
  EXPECT_EQ(json::parse(first.body)["request_id"], "mine.1");
  const Answer second = client.ask(head + "\r\n" + body);
  EXPECT_EQ(json::parse(second.body)["request_id"], second.headers.at("x-request-id"));
  EXPECT_EQ(second.headers.at("x-request-id").size(), 29u);
}

TEST(Wire, WhatIsNotThereIsSaidInTheErrorsShape) {
  const testing::RunningServer server(testing::thinking_starter());
  const auto code = [&](const std::string& line) {
    TestClient client(server.port());
    const Answer answer = client.ask(line + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    return std::to_string(answer.status) + " " + json::parse(answer.body)["error"]["code"].get<std::string>();
  };
  EXPECT_EQ(code("POST /v1/tuning/finetunes"), "404 not_found");
  EXPECT_EQ(code("GET /v1/tuning/finetunes"), "404 not_found");
  EXPECT_EQ(code("GET /v1/caption"), "405 method_not_allowed");
  EXPECT_EQ(code("POST /v1/models"), "405 method_not_allowed");
  EXPECT_EQ(code("POST /v1//caption/"), "404 not_found");
  EXPECT_EQ(code("POST //v1//caption"), "400 missing_field");
}

}  // namespace
}  // namespace moonbeam::server
