// Who may ask: hosts, origins, keys, rates.
#include "server/http/guard.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

#include <fstream>

#include "server/http/refusal.h"

namespace moonbeam::server {
namespace {

using namespace std::chrono_literals;

Request request(const std::string& method, const std::string& host, const std::string& origin = {}) {
  Request request;
  request.method = method;
  request.address = "10.0.0.9";
  if (!host.empty()) request.headers.add("Host", host);
  if (!origin.empty()) request.headers.add("Origin", origin);
  return request;
}

int status_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Refusal& refusal) {
    return refusal.status;
  }
  return 200;
}

struct Case {
  const char* name;
  const char* method;
  const char* host;
  const char* origin;
  int status;
  bool websocket = false;
};

void expect_all(const Guard& guard, const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const Request asked = request(one.method, one.host, one.origin);
    EXPECT_EQ(status_of([&] { guard.admit(asked, "192.168.1.5", {"vision.lan"}, one.websocket); }),
              one.status)
        << one.name;
  }
}

TEST(Guard, KnowsHostsAndOrigins) {
  const Guard guard({.allowed_hosts = {"proxy.example"}, .cors_origins = {"https://app.example"}}, {});
  expect_all(guard,
             {
                 {"localhost", "POST", "localhost:2020", "", 200},
                 {"localhost spelt otherwise", "POST", "LocalHost:2020", "", 200},
                 {"IPv4 loopback", "POST", "127.0.0.1:2020", "", 200},
                 {"IPv6 loopback", "POST", "[::1]:2020", "", 200},
                 {"the address that was connected to", "POST", "192.168.1.5:2020", "", 200},
                 {"another address", "POST", "192.168.1.6:2020", "", 403},
                 {"the name that it listens on", "POST", "vision.lan", "", 200},
                 {"a name that was allowed", "POST", "proxy.example:443", "", 200},
                 {"a rebound name", "POST", "evil.example:2020", "", 403},
                 {"a rebound name, only reading", "GET", "evil.example:2020", "", 403},
                 {"a name that begins like ours", "GET", "localhost.evil.example", "", 403},
                 {"a name that begins like an address", "GET", "127.evil.example", "", 403},
                 {"no host", "GET", "", "", 200},
                 {"our own page", "POST", "localhost:2020", "http://localhost:2020", 200},
                 {"our own page at another port", "POST", "localhost:2020", "http://localhost:3000", 403},
                 {"a strange page", "POST", "localhost:2020", "https://evil.example", 403},
                 {"a strange page that reads", "GET", "localhost:2020", "https://evil.example", 200},
                 {"a strange page's preflight", "OPTIONS", "localhost:2020", "https://evil.example", 403},
                 {"a file", "POST", "localhost:2020", "null", 403},
                 {"a page that was allowed", "POST", "localhost:2020", "https://app.example", 200},
                 {"its plain twin", "POST", "localhost:2020", "http://app.example", 403},
                 {"our page's socket", "GET", "localhost:2020", "http://localhost:2020", 200, true},
                 {"a strange page's socket", "GET", "localhost:2020", "https://evil.example", 403, true},
                 {"a file's socket", "GET", "localhost:2020", "null", 403, true},
             });
  const Guard wide({.cors_origins = {"*"}}, {});
  expect_all(wide, {{"any page", "POST", "localhost:2020", "https://evil.example", 200},
                    {"a file", "POST", "localhost:2020", "null", 200},
                    {"a rebound name", "POST", "evil.example", "https://evil.example", 403}});
}

TEST(Guard, AnswersPreflightsOfPagesThatMayAsk) {
  const Guard guard({.cors_origins = {"https://app.example"}}, {});
  Request asked = request("OPTIONS", "localhost", "https://app.example");
  asked.headers.add("Access-Control-Request-Method", "POST");
  asked.headers.add("Access-Control-Request-Headers", "authorization, x-stainless-os");
  const Admission admission = guard.admit(asked, "127.0.0.1", {}, false);
  EXPECT_TRUE(admission.preflight);
  EXPECT_EQ(*admission.headers.find("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(*admission.headers.find("Access-Control-Allow-Headers"), "authorization, x-stainless-os");
  EXPECT_EQ(*admission.headers.find("Access-Control-Allow-Methods"), "GET, POST, OPTIONS");
  EXPECT_EQ(*admission.headers.find("Access-Control-Max-Age"), "600");
  const Admission plain =
      guard.admit(request("POST", "localhost", "https://app.example"), "127.0.0.1", {}, false);
  EXPECT_FALSE(plain.preflight);
  EXPECT_EQ(*plain.headers.find("Access-Control-Expose-Headers"), "X-Request-Id");
  EXPECT_EQ(guard.admit(request("POST", "localhost"), "127.0.0.1", {}, false).headers.all().size(), 0U);
}

struct KeyCase {
  const char* name;
  const char* header;
  const char* value;
  int status;
};

TEST(Guard, TakesKeysWhereClientsPutThem) {
  const Guard guard({}, {make_key("ann", "secret"), make_key("bob", "other")});
  for (const KeyCase& one : std::vector<KeyCase>{
           {"none", "X-Other", "secret", 401},
           {"Moondream's header", "X-moondream-auth", "secret", 200},
           {"an empty one", "X-Moondream-Auth", "", 401},
           {"a bearer", "Authorization", "Bearer other", 200},
           {"a bearer in lower case", "authorization", "bearer other", 200},
           {"another scheme", "Authorization", "Basic secret", 401},
           {"a wrong one", "Authorization", "Bearer secret2", 401},
           {"a part of one", "Authorization", "Bearer secre", 401},
           {"an empty bearer", "Authorization", "Bearer ", 401},
           {"a socket's", "Sec-WebSocket-Protocol", "moonbeam, key.c2VjcmV0", 200},
           {"a wrong one of a socket", "Sec-WebSocket-Protocol", "moonbeam, key.c2VjcmV1", 401},
           {"no base64", "Sec-WebSocket-Protocol", "moonbeam, key.!!", 401},
       }) {
    Request asked = request("POST", "localhost");
    asked.headers.add(one.header, one.value);
    EXPECT_EQ(status_of([&] { guard.authenticate(asked, false); }), one.status) << one.name;
    EXPECT_EQ(asked.key_name.empty(), one.status == 401) << one.name;
    EXPECT_EQ(status_of([&] { guard.authenticate(asked, true); }), 200) << one.name;
  }
  Request asked = request("POST", "localhost");
  asked.headers.add("Authorization", "Bearer other");
  guard.authenticate(asked, false);
  EXPECT_EQ(asked.key_name, "bob");
  EXPECT_EQ(asked.client, "bob");
}

TEST(Guard, IgnoresKeysWhereNoneIsSet) {
  const Guard guard({}, {});
  Request asked = request("POST", "localhost");
  asked.headers.add("Authorization", "Bearer anything");
  guard.authenticate(asked, false);
  EXPECT_EQ(asked.key_name, "");
  EXPECT_EQ(asked.client, "10.0.0.9");
}

TEST(Guard, GivesEachClientItsRate) {
  Guard guard({.rate = 2}, {});
  Guard::Clock::time_point now;
  for (int i = 0; i < 2; ++i) guard.spend("a", now);
  EXPECT_EQ(status_of([&] { guard.spend("a", now); }), 429);
  guard.spend("b", now);
  now += 500ms;
  guard.spend("a", now);
  EXPECT_EQ(status_of([&] { guard.spend("a", now); }), 429);
  Guard slow({.rate = 0.1}, {});
  slow.spend("a", now);
  try {
    slow.spend("a", now);
    FAIL();
  } catch (const Refusal& refusal) {
    EXPECT_EQ(refusal.retry_after_s, 10);
  }
  for (int i = 0; i < 30'000; ++i) {  // clients that are gone leave nothing
    now += 1s;
    guard.spend(std::to_string(i), now);
  }
}

TEST(Guard, ReadsKeyFiles) {
  const std::string path = testing::TempDir() + "keys_of_guard_test";
  std::ofstream(path) << "# people\nann:secret\n\n  plain  \r\n";
  const std::vector<Key> keys = read_key_file(path);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0].name, "ann");
  EXPECT_EQ(keys[0].digest, make_key("", "secret").digest);
  EXPECT_EQ(keys[1].name, "key4");
  EXPECT_EQ(keys[1].digest, make_key("", "plain").digest);
  std::ofstream(path) << "ann:\n";
  EXPECT_THROW(read_key_file(path), Error);
  EXPECT_THROW(read_key_file(path + ".none"), Error);
}

}  // namespace
}  // namespace moonbeam::server
