// What a request may look like, and sixty ways in which it may not.
#include "server/http/parser.h"

#include <gtest/gtest.h>

namespace moonbeam::server {
namespace {

using Progress = RequestParser::Progress;

struct Parsed {
  int status = 0;  ///< of the refusal; 200: whole; 0: not whole
  std::string why;
  Request request;
  std::string left;
};

/// All bytes in pieces of `step`.
Parsed parse(std::string_view bytes, std::size_t step = std::string_view::npos) {
  RequestParser parser({});
  Parsed parsed;
  std::string in;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += std::min(step, bytes.size())) {
      in += bytes.substr(at, step);
      for (Progress progress = Progress::kHead; progress == Progress::kHead;) {
        progress = parser.take(in);
        if (progress == Progress::kDone) {
          parsed.request = std::move(parser.request());
          parsed.status = 200;
          const std::size_t fed =
              std::min(bytes.size(), step == std::string_view::npos ? bytes.size() : at + step);
          parsed.left = in + std::string(bytes.substr(fed));
          return parsed;
        }
      }
    }
  } catch (const Refusal& refusal) {
    parsed.status = refusal.status;
    parsed.why = refusal.what();
  }
  return parsed;
}

std::string post(const std::string& headers, const std::string& body = {}) {
  return "POST /v1/query HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body;
}

TEST(Parser, ReadsARequestHoweverItsBytesArrive) {
  const std::string bytes =
      "POST //v1//query%20x?question=%41+b HTTP/1.1\r\nHost: localhost:2020\r\nX-A:  b c \r\nContent-Length: "
      "5\r\n\r\nhelloGET ";
  for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U}) {
    const Parsed parsed = parse(bytes, step);
    ASSERT_EQ(parsed.status, 200) << parsed.why;
    EXPECT_EQ(parsed.request.method, "POST");
    EXPECT_EQ(parsed.request.path, "/v1/query x");
    EXPECT_EQ(parsed.request.query, "question=%41+b");
    EXPECT_EQ(*parsed.request.headers.find("x-a"), "b c");
    EXPECT_EQ(parsed.request.body, "hello");
    EXPECT_EQ(parsed.left, "GET ");
  }
}

TEST(Parser, ReadsChunksHoweverTheyArrive) {
  const std::string bytes =
      post("transfer-encoding: Chunked\r\n",
           "4;a=b;c=\"d\"\r\nwiki\r\n00A\r\n0123456789\r\n0\r\nX-T: y\r\nContent: z\r\n\r\nnext");
  for (const std::size_t step : {1U, 2U, 5U, 11U, 1000U}) {
    const Parsed parsed = parse(bytes, step);
    ASSERT_EQ(parsed.status, 200) << parsed.why;
    EXPECT_EQ(parsed.request.body, "wiki0123456789");
    EXPECT_EQ(parsed.request.headers.find("X-T"), nullptr) << "a trailer is no header";
    EXPECT_EQ(parsed.left, "next");
  }
}

TEST(Parser, TakesAbsoluteTargetsWithTheirHost) {
  const Parsed parsed = parse("GET http://example.org:80/v1/models?x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ASSERT_EQ(parsed.status, 200) << parsed.why;
  EXPECT_EQ(parsed.request.path, "/v1/models");
  EXPECT_EQ(*parsed.request.headers.find("Host"), "example.org:80");
}

struct Bad {
  const char* name;
  int status;
  std::string bytes;
};

std::vector<Bad> bad_messages() {
  const std::string host = "Host: localhost\r\n", get = "GET / HTTP/1.1\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  std::string many = get + host;
  for (int i = 0; i < 100'000; ++i) many += "a: b\r\n";
  std::string hundred = get + host;
  for (int i = 0; i < 100; ++i) hundred += "a" + std::to_string(i) + ": b\r\n";
  return {
      {"a TLS greeting", 400, std::string("\x16\x03\x01\x02\x00\x01\x00", 7)},
      {"an SSH greeting without HTTP", 400, "SSH-2.0-OpenSSH_9.2\r\n"},
      {"HTTP/2's preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"no version", 400, "GET /\r\n" + host + "\r\n"},
      {"two words", 400, "GET HTTP/1.1\r\n" + host + "\r\n"},
      {"a space in the target", 400, "GET /a b HTTP/1.1\r\n" + host + "\r\n"},
      {"two spaces after the method", 400, "GET  / HTTP/1.1\r\n" + host + "\r\n"},
      {"a space before the method", 400, " GET / HTTP/1.1\r\n" + host + "\r\n"},
      {"a tab for a space", 400, "GET\t/\tHTTP/1.1\r\n" + host + "\r\n"},
      {"a method with a bracket", 400, "G{T / HTTP/1.1\r\n" + host + "\r\n"},
      {"an unknown method", 501, "BREW / HTTP/1.1\r\n" + host + "\r\n"},
      {"CONNECT", 501, "CONNECT example.org:443 HTTP/1.1\r\n" + host + "\r\n"},
      {"lower case http", 400, "GET / http/1.1\r\n" + host + "\r\n"},
      {"version 1.2", 505, "GET / HTTP/1.2\r\n" + host + "\r\n"},
      {"version 0.9", 505, "GET / HTTP/0.9\r\n" + host + "\r\n"},
      {"version 2.0", 505, "GET / HTTP/2.0\r\n" + host + "\r\n"},
      {"version 1.10", 400, "GET / HTTP/1.10\r\n" + host + "\r\n"},
      {"version 01.1", 400, "GET / HTTP/01.1\r\n" + host + "\r\n"},
      {"a space after the version", 400, "GET / HTTP/1.1 \r\n" + host + "\r\n"},
      {"a target without a slash", 400, "GET x HTTP/1.1\r\n" + host + "\r\n"},
      {"a star with GET", 400, "GET * HTTP/1.1\r\n" + host + "\r\n"},
      {"a target of another scheme", 400, "GET ftp://localhost/ HTTP/1.1\r\n" + host + "\r\n"},
      {"a target with a user", 400, "GET http://a@localhost/ HTTP/1.1\r\n" + host + "\r\n"},
      {"a fragment", 400, "GET /#a HTTP/1.1\r\n" + host + "\r\n"},
      {"a NUL in the target", 400, std::string("GET /\0 HTTP/1.1\r\n", 17) + host + "\r\n"},
      {"an encoded NUL", 400, "GET /%00 HTTP/1.1\r\n" + host + "\r\n"},
      {"an encoded line end", 400, "GET /%0d%0aX:y HTTP/1.1\r\n" + host + "\r\n"},
      {"half an encoded byte", 400, "GET /%4 HTTP/1.1\r\n" + host + "\r\n"},
      {"no hexadecimal digits", 400, "GET /%zz HTTP/1.1\r\n" + host + "\r\n"},
      {"no Host", 400, get + "\r\n"},
      {"two Hosts", 400, get + host + host + "\r\n"},
      {"two different Hosts", 400, get + host + "Host: example.org\r\n\r\n"},
      {"a list of Hosts", 400, get + "Host: a, b\r\n\r\n"},
      {"a Host with a path", 400, get + "Host: a/b\r\n\r\n"},
      {"a Host with a user", 400, get + "Host: a@b\r\n\r\n"},
      {"a header that goes on", 400, get + host + "A: b\r\n c\r\n\r\n"},
      {"a header that goes on after a tab", 400, get + host + "A: b\r\n\tc\r\n\r\n"},
      {"a first header that goes on", 400, get + " Host: localhost\r\n\r\n"},
      {"a space before the colon", 400, get + host + "A : b\r\n\r\n"},
      {"no colon", 400, get + host + "A\r\n\r\n"},
      {"no name", 400, get + host + ": b\r\n\r\n"},
      {"a name with a bracket", 400, get + host + "A(: b\r\n\r\n"},
      {"a bare line feed", 400, "GET / HTTP/1.1\n" + host + "\r\n"},
      {"a bare line feed in a header", 400, get + "Host: localhost\nA: b\r\n\r\n"},
      {"a bare carriage return", 400, get + host + "A: b\rC: d\r\n\r\n"},
      {"two carriage returns", 400, get + host + "A: b\r\r\n\r\n"},
      {"a NUL in a value", 400, get + host + std::string("A: b\0c\r\n\r\n", 10)},
      {"an escape in a value", 400, get + host + "A: \x1b[2J\r\n\r\n"},
      {"a DEL in a value", 400, get + host + "A: \x7f\r\n\r\n"},
      {"Content-Length and chunks", 400, post("Content-Length: 3\r\n" + chunked, "0\r\n\r\n")},
      {"chunks and Content-Length", 400, post(chunked + "Content-Length: 3\r\n", "0\r\n\r\n")},
      {"two Content-Lengths", 400, post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd")},
      {"the same Content-Length twice", 400, post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")},
      {"a list of Content-Lengths", 400, post("Content-Length: 3, 3\r\n", "abc")},
      {"a negative Content-Length", 400, post("Content-Length: -1\r\n")},
      {"a signed Content-Length", 400, post("Content-Length: +3\r\n", "abc")},
      {"a hexadecimal Content-Length", 400, post("Content-Length: 0x3\r\n", "abc")},
      {"a fraction", 400, post("Content-Length: 3.0\r\n", "abc")},
      {"an empty Content-Length", 400, post("Content-Length: \r\n", "abc")},
      {"a Content-Length of 2^64", 400, post("Content-Length: 18446744073709551616\r\n")},
      {"a Content-Length of 2^63", 413, post("Content-Length: 9223372036854775808\r\n")},
      {"a Content-Length above the limit", 413, post("Content-Length: 20971521\r\n")},
      {"another coding", 501, post("Transfer-Encoding: gzip\r\n")},
      {"another coding, then chunks", 400, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
      {"chunks, then another coding", 400, post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")},
      {"chunks twice", 400, post(chunked + chunked, "0\r\n\r\n")},
      {"chunks with a vertical tab", 400,
       post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            "0\r\n\r\n")},
      {"quoted chunks", 501, post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
      {"chunks in HTTP/1.0", 400, "POST / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n"},
      {"a chunk of 0x-1", 400, post(chunked, "0x-1\r\na\r\n0\r\n\r\n")},
      {"a chunk of -1", 400, post(chunked, "-1\r\na\r\n0\r\n\r\n")},
      {"a chunk of 0x1", 400, post(chunked, "0x1\r\na\r\n0\r\n\r\n")},
      {"a chunk of 2^64", 400, post(chunked, "10000000000000000\r\na\r\n0\r\n\r\n")},
      {"a chunk of 2^64-1", 413, post(chunked, "ffffffffffffffff\r\na\r\n0\r\n\r\n")},
      {"a chunk without a size", 400, post(chunked, "\r\na\r\n0\r\n\r\n")},
      {"a chunk longer than it says", 400, post(chunked, "1\r\nab\r\n0\r\n\r\n")},
      {"a chunk that ends in a line feed", 400, post(chunked, "1\r\na\n0\r\n\r\n")},
      {"a size that ends in a line feed", 400, post(chunked, "1\na\r\n0\r\n\r\n")},
      {"a space before a size", 400, post(chunked, " 1\r\na\r\n0\r\n\r\n")},
      {"a chunk's line of 100 kB", 431, post(chunked, "1;" + std::string(100'000, 'x'))},
      {"trailers of 100 kB", 431, post(chunked, "0\r\nA: " + std::string(100'000, 'x'))},
      {"a trailer that is a length", 400, post(chunked, "0\r\nContent-Length: 5\r\n\r\nGET /")},
      {"another expectation", 417, post("Expect: 200-ok\r\nContent-Length: 1\r\n", "a")},
      {"a head of 17 kB", 431, get + host + "A: " + std::string(17'000, 'x') + "\r\n\r\n"},
      {"a request line of 9 kB", 414, "GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\n" + host + "\r\n"},
      {"a line of 1 MB without an end", 414, "GET /" + std::string(1'000'000, 'x')},
      {"101 headers", 431, hundred + "\r\n"},
      {"100,000 headers", 431, many + "\r\n"},
  };
}

TEST(Parser, RefusesWhatIsNoRequest) {
  EXPECT_GE(bad_messages().size(), 60U);
  for (const Bad& bad : bad_messages()) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{100}, std::string_view::npos}) {
      if (step == 1 && bad.bytes.size() > 50'000) continue;
      const Parsed parsed = parse(bad.bytes, step);
      EXPECT_EQ(parsed.status, bad.status) << bad.name << " in pieces of " << step << ": " << parsed.why;
    }
  }
}

TEST(Parser, TakesAHundredHeaders) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 99; ++i) bytes += "a" + std::to_string(i) + ": b\r\n";
  EXPECT_EQ(parse(bytes + "\r\n").status, 200);
}

TEST(Parser, DoesNotReserveWhatALengthAnnounces) {
  RequestParser parser({});
  std::string in = post("Content-Length: 20000000\r\n", "abc");
  EXPECT_EQ(parser.take(in), Progress::kHead);
  EXPECT_EQ(parser.take(in), Progress::kMore);
  EXPECT_EQ(parser.body_received(), 3U);
  EXPECT_EQ(parser.body_size(), 20'000'000U);
}

// The bytes of a good request with one of them changed: an answer or a refusal, nothing else.
TEST(Parser, SurvivesEveryChangedByte) {
  const std::string good =
      post("X-A: b\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n");
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(value);
      parse(bytes);
      if (value % 16 == 0) parse(bytes, 3);
    }
  }
}

}  // namespace
}  // namespace moonbeam::server
