#include "net/url.h"

#include <charconv>

#include "base/error.h"

namespace moonbeam::net {

namespace {

[[noreturn]] void refuse(const std::string& text) {
  base::fail(ErrorCode::kInvalidArgument, "'", printable_url(text),
             "': expected http://HOST or https://HOST, with :PORT and /PATH where needed");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// Splits "HOST:PORT" or "[::1]:PORT". @return false if the port is none.
bool split_authority(std::string_view authority, Url& url) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(
      ':', bracket == std::string_view::npos ? 0 : bracket);  // those inside belong to the host
  url.host = lower(authority.substr(0, colon));
  if (colon == std::string_view::npos) return !url.host.empty();
  const std::string_view port = authority.substr(colon + 1);
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), url.port);
  return !url.host.empty() && parsed.ec == std::errc() && parsed.ptr == port.data() + port.size() &&
         url.port > 0 && url.port < 65536;
}

}  // namespace

Url parse_url(const std::string& text) {
  Url url;
  const std::size_t mark = text.find("://");
  if (mark == std::string::npos) refuse(text);
  url.scheme = lower(text.substr(0, mark));
  if (url.scheme != "http" && url.scheme != "https") refuse(text);
  url.port = url.scheme == "https" ? 443 : 80;
  const std::size_t begin = mark + 3, end = std::min(text.find_first_of("/?#", begin), text.size());
  const std::string authority = text.substr(begin, end - begin);
  for (const char c : authority) {
    if (!is_plain(c) && c != ':' && c != '[' && c != ']') refuse(text);
  }
  if (!split_authority(authority, url)) refuse(text);
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '\\') refuse(text);
  }
  url.path = text.substr(end, text.find('#') - end);
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  return url;
}

bool same_origin(const Url& a, const Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

bool is_loopback(const Url& url) {
  return url.host == "localhost" || url.host == "[::1]" ||
         (url.host.starts_with("127.") && url.host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string resolve_reference(const std::string& from, const std::string& location) {
  const Url base = parse_url(from);
  const std::size_t authority = from.find("://") + 3;
  std::string target = location;
  if (location.starts_with("//")) {
    target = base.scheme + ":" + location;
  } else if (location.starts_with("/")) {
    target = from.substr(0, std::min(from.find_first_of("/?#", authority), from.size())) + location;
  } else if (location.find("://") == std::string::npos) {
    std::string folder = from.substr(0, std::min(from.find_first_of("?#"), from.size()));
    const std::size_t slash = folder.rfind('/');
    folder = slash < authority ? folder + "/" : folder.substr(0, slash + 1);
    target = folder + location;
  }
  parse_url(target);
  return target;
}

std::string escape(std::string_view text, std::string_view keep) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_plain(c) || keep.find(c) != std::string_view::npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

std::string printable_url(std::string_view url) {
  std::string_view plain = url.substr(0, url.find_first_of("?#"));
  const std::size_t mark = plain.find("://"), at = plain.find('@');
  if (mark != std::string_view::npos && at != std::string_view::npos) {  // no passwords in messages
    return base::printable(plain.substr(0, mark + 3)) + base::printable(plain.substr(at + 1));
  }
  return base::printable(plain);
}

}  // namespace moonbeam::net
