#include "net/url.h"

#include <gtest/gtest.h>
#include <moonbeam/error.h>

namespace moonbeam::net {
namespace {

TEST(Url, HasAHostAPortAndAPath) {
  const Url url = parse_url("HTTPS://Example.org:8443/a/b?c=d#e");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.host, "example.org");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.path, "/a/b?c=d");
  EXPECT_EQ(parse_url("http://a").port, 80);
  EXPECT_EQ(parse_url("https://a?q").path, "/?q");
  EXPECT_EQ(parse_url("http://[::1]:2020/").host, "[::1]");
  EXPECT_EQ(parse_url("http://[::1]:2020/").port, 2020);
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text :
       {"", "a", "ftp://a", "file:///etc/passwd", "http://", "http://:80", "http://a:0", "http://a:99999",
        "http://a:8x", "http://user:word@a", "http://a b/", "http://a/\n", "http://a\\b"}) {
    EXPECT_THROW(parse_url(text), Error) << text;
  }
}

TEST(Url, OriginsAreTheSameByAllThreeParts) {
  const auto same = [](const char* a, const char* b) { return same_origin(parse_url(a), parse_url(b)); };
  EXPECT_TRUE(same("http://a/x", "http://A:80/y"));
  EXPECT_FALSE(same("http://a", "https://a"));
  EXPECT_FALSE(same("http://a", "http://a:81"));
  EXPECT_FALSE(same("https://hub.example", "https://hub.example.evil"));
  EXPECT_TRUE(is_loopback(parse_url("http://127.0.0.1:1/")));
  EXPECT_TRUE(is_loopback(parse_url("http://localhost")));
  EXPECT_FALSE(is_loopback(parse_url("http://127.evil.example")));
}

TEST(Url, RedirectsMayBeRelative) {
  EXPECT_EQ(resolve_reference("https://a:1/b/c?d", "https://e/f"), "https://e/f");
  EXPECT_EQ(resolve_reference("https://a:1/b/c?d", "//e/f"), "https://e/f");
  EXPECT_EQ(resolve_reference("https://a:1/b/c?d", "/f"), "https://a:1/f");
  EXPECT_EQ(resolve_reference("https://a:1/b/c?d", "f"), "https://a:1/b/f");
  EXPECT_EQ(resolve_reference("https://a:1", "f"), "https://a:1/f");
  EXPECT_THROW(resolve_reference("https://a/", "file:///etc/passwd"), Error);
}

TEST(Url, EscapesAllButPlainCharacters) {
  EXPECT_EQ(escape("a b/c?\xc3\xa9~-._"), "a%20b%2Fc%3F%C3%A9~-._");
  EXPECT_EQ(escape("a/b c", "/"), "a/b%20c");
}

TEST(Url, IsShownWithoutQueryAndPassword) {
  EXPECT_EQ(printable_url("https://a/b?key=c"), "https://a/b");
  EXPECT_EQ(printable_url("https://user:word@a/b"), "https://a/b");
}

}  // namespace
}  // namespace moonbeam::net
