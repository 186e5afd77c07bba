// Against servers of the loopback, which the tests let through; that it is refused otherwise is tested too.
#include "net/fetch.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>

#include "net/http.h"
#include "net/test_server.h"

namespace moonbeam::net {
namespace {

using testing::Connection;
using testing::Received;
using testing::TestServer;

FetchOptions open_options() {
  return {.http = true, .may_connect = [](const sockaddr&) { return true; }};
}

std::string refused(const std::string& url, const FetchOptions& options) {
  try {
    fetch(url, options);
    return "fetched";
  } catch (const FetchRefused& error) {
    return std::string("refused: ") + error.what();
  } catch (const Error& error) {
    return error.what();
  }
}

class Fetch : public ::testing::Test {
 protected:
  TestServer server_{[](const Received& got, Connection& connection) {
    const std::string path = got.path();
    if (path == "/picture") connection.answer(200, "bytes");
    if (path == "/large") connection.answer(200, std::string(2000, 'x'));
    if (path == "/endless") {
      connection.send("HTTP/1.1 200 OK\r\n\r\n");
      while (connection.send(std::string(1000, 'x'))) {
      }
    }
    if (path == "/none") connection.answer(404, "no");
    if (path == "/hang") connection.hang();
    if (path == "/once") connection.answer(302, "", "Location: /picture\r\nSet-Cookie: a=b\r\n");
    if (path == "/twice") connection.answer(301, "", "Location: /once\r\n");
    if (path == "/thrice") connection.answer(307, "", "Location: /twice\r\n");
    if (path == "/file") connection.answer(302, "", "Location: file:///etc/passwd\r\n");
    if (path == "/user") connection.answer(302, "", "Location: http://a:b@localhost/\r\n");
    if (path == "/metadata") connection.answer(302, "", "Location: http://169.254.169.254/latest\r\n");
  }};
};

TEST_F(Fetch, ReturnsTheBody) {
  EXPECT_EQ(fetch(server_.url() + "/picture", open_options()), "bytes");
  const Received got = server_.requests().at(0);
  EXPECT_EQ(got.method, "GET");
  EXPECT_EQ(got.header("cookie"), "");
  EXPECT_EQ(got.header("authorization"), "");
}

TEST_F(Fetch, CallsNoAddressOfThisMachineOrItsNetworks) {
  const FetchOptions options{.http = true};
  const std::string port = std::to_string(server_.port());
  for (const char* host : {"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "2130706433", "0x7f000001",
                           "[::ffff:127.0.0.1]", "017700000001", "no-such-name.invalid"}) {
    EXPECT_EQ(refused(std::string("http://") + host + ":" + port + "/picture", options),
              "refused: this host has no address in the internet")
        << host;
  }
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(Fetch, TakesHttpOnlyWhereItMay) {
  FetchOptions options = open_options();
  options.http = false;
  EXPECT_EQ(refused(server_.url() + "/picture", options), "refused: expected https, got http");
  EXPECT_EQ(refused("ftp://example.org/", open_options()), "refused: expected https or http, got ftp");
  EXPECT_EQ(refused("file:///etc/passwd", open_options()), "refused: expected https or http, got file");
  for (const char* url :
       {"http://user:word@127.0.0.1/", "http://user@127.0.0.1/", "http://", "nonsense\n", ""})
    EXPECT_TRUE(refused(url, open_options()).starts_with("refused: ")) << url;
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(Fetch, AsksOnlyHostsOfTheList) {
  FetchOptions options = open_options();
  options.hosts = {"*.example.org", "127.0.*"};
  EXPECT_EQ(fetch(server_.url() + "/picture", options), "bytes");
  EXPECT_EQ(refused("http://localhost/", options),
            "refused: this host is not among those that the server fetches from");
  EXPECT_EQ(refused("http://example.org/", options),
            "refused: this host is not among those that the server fetches from");
}

TEST_F(Fetch, FollowsTwoRedirectsAndChecksEach) {
  EXPECT_EQ(fetch(server_.url() + "/once", open_options()), "bytes");
  EXPECT_EQ(fetch(server_.url() + "/twice", open_options()), "bytes");
  for (const Received& one : server_.requests()) EXPECT_EQ(one.header("cookie"), "");
  EXPECT_EQ(refused(server_.url() + "/thrice", open_options()), "it leads on and on");
  EXPECT_EQ(refused(server_.url() + "/file", open_options()), "refused: expected https or http, got file");
  EXPECT_TRUE(refused(server_.url() + "/user", open_options()).starts_with("refused: "));
  FetchOptions loopback = open_options();
  loopback.may_connect = [](const sockaddr& address) {
    return address.sa_family == AF_INET &&
           reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  };
  EXPECT_EQ(refused(server_.url() + "/metadata", loopback),
            "refused: this host has no address in the internet");
}

TEST_F(Fetch, KeepsToItsLimits) {
  FetchOptions options = open_options();
  options.most_bytes = 1000;
  EXPECT_NE(refused(server_.url() + "/large", options).find("more than"), std::string::npos);
  EXPECT_NE(refused(server_.url() + "/endless", options).find("more than"), std::string::npos);
  EXPECT_EQ(refused(server_.url() + "/none", options), "its server answered 404");
  options.whole_ms = 200;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(refused(server_.url() + "/hang", options), "it took too long");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(Fetch, AsksNoProxyOfTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  EXPECT_EQ(fetch(server_.url() + "/picture", open_options()), "bytes");
  ::unsetenv("http_proxy");
}

TEST(HostPattern, TakesStarsForAnyLetters) {
  EXPECT_TRUE(matches_host("example.org", "EXAMPLE.org"));
  EXPECT_TRUE(matches_host("*.example.org", "a.b.example.org"));
  EXPECT_TRUE(matches_host("*", "anything"));
  EXPECT_TRUE(matches_host("a*c*e", "abcde"));
  EXPECT_TRUE(matches_host("img*.example.*", "img12.example.net"));
  for (const auto& [pattern, host] : {std::pair{"*.example.org", "example.org"},
                                      {"*.example.org", "evilexample.org"},
                                      {"example.org", "example.org.evil"},
                                      {"", "a"},
                                      {"a*b", "abc"}})
    EXPECT_FALSE(matches_host(pattern, host)) << pattern << " " << host;
}

}  // namespace
}  // namespace moonbeam::net
