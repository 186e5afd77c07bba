// Requests against a server that does what the test says.
#include "net/http.h"

#include <gtest/gtest.h>

#include "net/test_server.h"

namespace moonbeam::net {
namespace {

using testing::Connection;
using testing::Received;
using testing::TestServer;

Head get(const std::string& url, std::string& body, const Timeouts& timeouts = {}) {
  HttpClient client(timeouts);
  return client.perform({.url = url}, body, 1 << 20);
}

TEST(Http, GivesStatusHeadersAndBodyOfAnyAnswer) {
  TestServer server([](const Received& request, Connection& connection) {
    if (request.path() == "/missing") return void(connection.answer(404, "no", "X-What: gone\r\n"));
    connection.answer(200, request.method + " " + request.body, "ETag: \"1\"\r\n");
  });
  std::string body;
  const Head missing = get(server.url() + "/missing", body);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.header("x-what"), "gone");
  EXPECT_EQ(body, "no");
  HttpClient client;
  const Head head =
      client.perform({.method = "POST", .url = server.url(), .headers = {"A: b"}, .body = "text"}, body, 100);
  EXPECT_EQ(head.header("etag"), "\"1\"");
  EXPECT_EQ(body, "POST text");
  EXPECT_EQ(client.perform({.url = server.url()}, body, 100).status, 200);
  EXPECT_EQ(body, "GET ");
  const std::vector<Received> requests = server.requests();
  EXPECT_EQ(requests[1].header("a"), "b");
  EXPECT_TRUE(requests[1].header("user-agent").starts_with("moonbeam/"));
  EXPECT_EQ(requests[1].header("expect"), "");
}

TEST(Http, FollowsNoRedirect) {
  TestServer server([](const Received&, Connection& connection) {
    connection.answer(302, "", "Location: http://127.0.0.1:1/\r\n");
  });
  std::string body;
  const Head head = get(server.url(), body);
  EXPECT_EQ(head.status, 302);
  EXPECT_EQ(head.header("location"), "http://127.0.0.1:1/");
}

TEST(Http, NamesTheUrlWithoutItsQueryWhereTheNetworkFails) {
  std::string body;
  try {
    get("http://127.0.0.1:1/file?signature=secret", body);
    FAIL();
  } catch (const NetworkError& error) {
    const std::string what = error.what();
    EXPECT_TRUE(what.starts_with("http://127.0.0.1:1/file: ")) << what;
    EXPECT_EQ(what.find("secret"), std::string::npos);
  }
  EXPECT_THROW(get("file:///etc/hostname", body), NetworkError);
}

TEST(Http, GivesUpOnASilentServer) {
  TestServer server([](const Received&, Connection& connection) { connection.hang(); });
  std::string body;
  EXPECT_THROW(get(server.url(), body, {.stall_s = 1}), NetworkError);
  EXPECT_THROW(get(server.url(), body, {.whole_ms = 100}), NetworkError);
}

TEST(Http, ABodyThatBreaksOffIsAnError) {
  TestServer server([](const Received&, Connection& connection) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
  });
  std::string body;
  EXPECT_THROW(get(server.url(), body), NetworkError);
  EXPECT_EQ(body, "short");
}

TEST(Http, WhatAHandlerThrowsComesOut) {
  TestServer server([](const Received&, Connection& connection) { connection.answer(200, "12345"); });
  std::string body;
  HttpClient client;
  try {
    client.perform({.url = server.url()}, body, 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kExhausted);
  }
  struct Stop {};
  EXPECT_THROW(client.perform({.url = server.url()}, {.on_head = [](const Head&) { throw Stop(); }}), Stop);
  EXPECT_EQ(client.perform({.url = server.url()}, body, 5).status, 200);
}

TEST(Http, EndsWhereItShallNotCarryOn) {
  TestServer server([](const Received&, Connection& connection) { connection.hang(); });
  std::string body;
  HttpClient client;
  int asked = 0;
  try {
    client.perform({.url = server.url()}, body, 4, [&] { return ++asked < 3; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
}

TEST(Http, RetryAfterIsANumberOfSeconds) {
  EXPECT_EQ(retry_after_s({429, {{"retry-after", "7"}}}), 7);
  EXPECT_EQ(retry_after_s({429, {{"retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"}}}), 0);
  EXPECT_EQ(retry_after_s({429, {{"retry-after", "-4"}}}), 0);
  EXPECT_EQ(retry_after_s({429, {}}), 0);
}

}  // namespace
}  // namespace moonbeam::net
