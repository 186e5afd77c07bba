// Status line, headers and chunks.
#include "server/http/answer.h"

#include <moonbeam/version.h>

#include <array>
#include <ctime>

#include "server/http/refusal.h"

namespace moonbeam::server {

namespace {

/// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second.
const std::string& date() {
  thread_local std::time_t made = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now == made) return text;
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> rest = {};
  std::strftime(rest.data(), rest.size(), "%Y %H:%M:%S GMT", &parts);
  const std::string day =
      parts.tm_mday < 10 ? "0" + std::to_string(parts.tm_mday) : std::to_string(parts.tm_mday);
  text = std::string(kDays[static_cast<std::size_t>(parts.tm_wday)]) + ", " + day + " " +
         kMonths[static_cast<std::size_t>(parts.tm_mon)] + " " + rest.data();
  made = now;
  return text;
}

/// A value may hold what a user wrote: never the end of a line.
void add(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  for (const char c : value) head += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  head += "\r\n";
}

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::string answer_head(const Response& response, const Framing& framing, const std::string& request_id,
                        const Headers& extra) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reason_phrase(response.status);
  head += "\r\n";
  add(head, "Date", date());
  add(head, "Server", "moonbeam/" + std::string(version()));
  if (has_body(response.status)) {
    if (!response.content_type.empty()) add(head, "Content-Type", response.content_type);
    if (framing.stream) {
      if (framing.chunked) add(head, "Transfer-Encoding", "chunked");
    } else {
      add(head, "Content-Length", std::to_string(response.body.size()));
    }
  }
  if (!framing.keep_alive) {
    add(head, "Connection", "close");
  } else if (!framing.http11) {
    add(head, "Connection", "keep-alive");
  }
  add(head, "X-Request-Id", request_id);
  add(head, "X-Content-Type-Options", "nosniff");
  for (const Headers* headers : {&extra, &response.headers}) {
    for (const auto& [name, value] : headers->all()) add(head, name, value);
  }
  return head + "\r\n";
}

std::string chunk(std::string_view piece) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string size;
  for (std::size_t n = piece.size(); n > 0; n >>= 4) size.insert(size.begin(), kDigits[n & 15]);
  std::string bytes;
  bytes.reserve(piece.size() + size.size() + 4);
  bytes += size;
  bytes += "\r\n";
  bytes += piece;
  bytes += "\r\n";
  return bytes;
}

}  // namespace moonbeam::server
