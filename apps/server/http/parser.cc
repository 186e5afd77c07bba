// Heads are screened line by line as they arrive, then parsed by Beast; bodies are Beast's alone.
#include "server/http/parser.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>
#include <limits>

namespace moonbeam::server {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

// An announced length is no reason to take so much memory before the bytes are there.
struct GrowingBody {
  using value_type = std::string;
  static std::uint64_t size(const value_type& body) { return body.size(); }
  class reader {
   public:
    template <bool isRequest, class Fields>
    reader(http::header<isRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, beast::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, beast::error_code& error) {
      error = {};
      std::size_t size = 0;
      for (const boost::asio::const_buffer buffer : beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
        size += buffer.size();
      }
      return size;
    }
    void finish(beast::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

constexpr std::array<std::string_view, 8> kMethods = {"GET",    "HEAD",  "POST",    "PUT",
                                                      "DELETE", "PATCH", "OPTIONS", "TRACE"};

[[noreturn]] void bad(const std::string& message) {
  throw Refusal(400, "bad_request", message);
}

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

bool is_version(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() == 8 && text.starts_with("HTTP/") && digit(text[5]) && text[6] == '.' && digit(text[7]);
}

void check_request_line(std::string_view line) {
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) bad("request line: expected METHOD TARGET HTTP/1.1");
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  if (method.empty() || !std::all_of(method.begin(), method.end(), is_token_char))
    bad("request line: the method is no token");
  if (!is_version(version)) bad("request line: expected HTTP/1.1 at its end");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    throw Refusal(505, "http_version_not_supported",
                  "expected HTTP/1.1 or HTTP/1.0, got " + std::string(version));
  }
  if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end())
    throw Refusal(501, "not_implemented", "no route has the method " + std::string(method.substr(0, 40)));
}

/// Reads a head as it grows, so that a bad one is refused at its first wrong byte and a long one at the
/// limit.
class Screen {
 public:
  explicit Screen(const ParseLimits& limits) : limits_(limits) {}

  /// Bytes of the head with its empty line; 0 while it is not there.
  std::size_t look(std::string_view bytes) {
    for (; at_ < bytes.size(); ++at_) {
      const auto c = static_cast<unsigned char>(bytes[at_]);
      if (at_ >= limits_.head)
        throw Refusal(431, "headers_too_large",
                      "the head is longer than " + std::to_string(limits_.head) + " bytes");
      if (after_cr_) {
        if (c != '\n') bad("a carriage return without a line feed");
        after_cr_ = false;
        const bool empty = at_ == line_ + 1;
        end_line(bytes.substr(line_, at_ - 1 - line_));
        line_ = at_ + 1;
        if (empty) return at_ + 1;
        continue;
      }
      if (c == '\r') {
        after_cr_ = true;
      } else if (c == '\n') {
        bad("a line feed without a carriage return");
      } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
        bad("a control character in the head");
      } else if (lines_ == 0) {
        if (at_ >= limits_.line)
          throw Refusal(414, "uri_too_long",
                        "the request line is longer than " + std::to_string(limits_.line) + " bytes");
        if (at_ == 0 && !is_token_char(bytes[0])) bad("this is no HTTP request");
      } else if (at_ == line_ && (c == ' ' || c == '\t')) {
        bad("a header goes on in a second line");
      }
    }
    return 0;
  }

 private:
  void end_line(std::string_view line) {
    if (lines_ == 0) {
      check_request_line(line);
    } else if (lines_ > limits_.headers && !line.empty()) {
      throw Refusal(431, "headers_too_large",
                    "expected at most " + std::to_string(limits_.headers) + " headers");
    }
    ++lines_;
  }

  const ParseLimits& limits_;
  std::size_t at_ = 0, line_ = 0, lines_ = 0;
  bool after_cr_ = false;
};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_token(const Headers& headers, std::string_view name, std::string_view token) {
  for (const auto& [known, value] : headers.all()) {
    if (!same_name(known, name)) continue;
    for (const std::string_view item : list_items(value))
      if (same_name(item, token)) return true;
  }
  return false;
}

}  // namespace

std::string clean_path(std::string_view path) {
  std::string clean;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      const int high = i + 2 < path.size() ? hex_value(path[i + 1]) : -1;
      const int low = high < 0 ? -1 : hex_value(path[i + 2]);
      if (low < 0) bad("the path: expected two hexadecimal digits after %");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) bad("the path: a control character");
    if (c == '/' && clean.ends_with('/')) continue;
    clean += c;
  }
  return clean;
}

struct RequestParser::Impl {
  explicit Impl(const ParseLimits& limits_of) : limits(limits_of), screen(limits) {
    parser.header_limit(static_cast<std::uint32_t>(limits.head));
    // None while the head is read: who announces too much is told as others are. (boost::none of 1.74 is 0.)
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  ParseLimits limits;
  Screen screen;
  http::request_parser<GrowingBody> parser;
  Request request;
  std::string target;
  bool head_done = false, has_body = false, chunked = false;
  std::uint64_t body_size = 0;

  /// Of a body in chunks one line or the bytes of one chunk. How many it has used.
  std::size_t put(std::string_view bytes) {
    beast::error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    if (error == http::error::need_more) error = {};
    if (error == http::error::body_limit) fail_body();
    if (error) bad(error.message());
    return used;
  }

  [[noreturn]] void fail_body() const {
    throw Refusal(413, "body_too_large",
                  "expected a body of at most " + std::to_string(limits.body) + " bytes");
  }

  /// One header that has to be there at most once.
  const std::string* single(std::string_view name) const {
    const std::string* found = nullptr;
    for (const auto& [known, value] : request.headers.all()) {
      if (!same_name(known, name)) continue;
      if (found != nullptr) bad("two headers " + std::string(name));
      found = &value;
    }
    return found;
  }

  void check_length() {
    const std::string* length = single("Content-Length");
    const std::string* coding = single("Transfer-Encoding");
    if (length != nullptr && coding != nullptr)
      bad("Content-Length and Transfer-Encoding exclude each other");
    if (length != nullptr) {
      if (length->empty() ||
          !std::all_of(length->begin(), length->end(), [](char c) { return c >= '0' && c <= '9'; }))
        bad("Content-Length: expected a number");
      const boost::optional<std::uint64_t> size = parser.content_length();
      if (!size) bad("Content-Length: expected a number");
      body_size = *size;
      has_body = *size > 0;
    }
    if (coding != nullptr) {
      if (!same_name(*coding, "chunked")) {
        if (has_token(request.headers, "Transfer-Encoding", "chunked"))
          bad("Transfer-Encoding: expected chunked alone");
        throw Refusal(501, "not_implemented", "Transfer-Encoding: expected chunked");
      }
      if (parser.get().version() < 11) bad("Transfer-Encoding is not of HTTP/1.0");
      has_body = chunked = true;
    }
  }

  /// The host of an absolute target counts, not the header's.
  void split_target() {
    const auto raw = parser.get().target();
    std::string_view view(raw.data(), raw.size());
    const std::string* host = single("Host");
    std::string authority;
    if (view.size() > 7 && same_name(view.substr(0, 7), "http://")) {
      view.remove_prefix(7);
      const std::size_t end = std::min(view.find_first_of("/?"), view.size());
      authority = view.substr(0, end);
      if (authority.empty() || authority.find('@') != std::string::npos) bad("the target: expected a host");
      view.remove_prefix(end);
    } else if (!view.starts_with('/') && !(view == "*" && request.method == "OPTIONS")) {
      bad("the target: expected a path");
    }
    if (host == nullptr && parser.get().version() >= 11) bad("HTTP/1.1 without a Host header");
    if (host != nullptr && host->find_first_of(" \t/,@") != std::string::npos) bad("Host: expected a host");
    if (!authority.empty()) {
      Headers headers;
      headers.add("Host", authority);
      for (const auto& [name, value] : request.headers.all()) {
        if (!same_name(name, "Host")) headers.add(name, value);
      }
      request.headers = std::move(headers);
    }
    target = view.empty() || view.front() == '?' ? "/" + std::string(view) : std::string(view);
    if (target.find('#') != std::string::npos) bad("the target: a fragment");
    const std::size_t question = std::min(target.find('?'), target.size());
    request.path = clean_path(std::string_view(target).substr(0, question));
    if (question < target.size()) request.query = target.substr(question + 1);
  }

  void read_head() {
    const auto& message = parser.get();
    const auto method = message.method_string();
    request.method.assign(method.data(), method.size());
    for (const auto& field : message) {
      const auto name = field.name_string();
      const auto value = field.value();
      request.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    request.id = request_id(request.headers);
    check_length();
    split_target();
    const std::string* expect = request.headers.find("Expect");
    if (expect != nullptr && !same_name(*expect, "100-continue"))
      throw Refusal(417, "expectation_failed", "Expect: expected 100-continue");
    parser.body_limit(limits.body);  // of one in chunks
    head_done = true;
  }
};

RequestParser::RequestParser(const ParseLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

RequestParser::Progress RequestParser::take(std::string& bytes) {
  Impl& it = *impl_;
  if (!it.head_done) {
    const std::size_t end = it.screen.look(bytes);
    if (end == 0) return Progress::kMore;
    it.put(std::string_view(bytes).substr(0, end));
    if (!it.parser.is_header_done()) bad("the head is not whole");
    it.read_head();
    bytes.erase(0, end);
    return Progress::kHead;
  }
  check_body_size();
  std::string_view rest = bytes;
  while (!it.parser.is_done() && !rest.empty()) {
    const std::size_t used = it.put(rest);
    if (used == 0) break;
    rest.remove_prefix(used);
  }
  bytes.erase(0, bytes.size() - rest.size());  // at once: chunks may be of one byte
  if (!it.parser.is_done()) {
    // What stays is the line before a chunk, or the lines behind the last.
    if (bytes.size() > it.limits.head) throw Refusal(431, "headers_too_large", "a chunk's line is too long");
    return Progress::kMore;
  }
  it.request.body = std::move(it.parser.get().body());
  return Progress::kDone;
}

void RequestParser::check_body_size() const {
  if (impl_->body_size > impl_->limits.body) impl_->fail_body();
}
Request& RequestParser::request() noexcept {
  return impl_->request;
}
bool RequestParser::is_http11() const noexcept {
  return impl_->parser.get().version() >= 11;
}
bool RequestParser::keeps_alive() const noexcept {
  return impl_->parser.keep_alive();
}
bool RequestParser::expects_continue() const noexcept {
  return impl_->request.headers.find("Expect") != nullptr && is_http11();
}
bool RequestParser::wants_websocket() const noexcept {
  return impl_->request.method == "GET" && is_http11() &&
         has_token(impl_->request.headers, "Connection", "upgrade") &&
         has_token(impl_->request.headers, "Upgrade", "websocket");
}
std::uint64_t RequestParser::body_size() const noexcept {
  return impl_->body_size;
}
std::size_t RequestParser::body_received() const noexcept {
  return impl_->parser.get().body().size();
}
bool RequestParser::has_body() const noexcept {
  return impl_->has_body;
}
const std::string& RequestParser::target() const noexcept {
  return impl_->target;
}

std::string RequestParser::path_of_start(std::string_view bytes) {
  const std::size_t space = bytes.substr(0, 64).find(' ');
  if (space == std::string_view::npos) return {};
  const std::string_view rest = bytes.substr(space + 1, 256);
  return std::string(rest.substr(0, std::min(rest.find_first_of(" ?\r\n"), rest.size())));
}

}  // namespace moonbeam::server
