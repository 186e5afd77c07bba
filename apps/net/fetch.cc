// libcurl resolves and asks before each socket: the address that is checked is the one that is connected to,
// and a name that resolves to another address the next time gains nothing. Its own parser of URLs gives the
// host that is checked.
#include "net/fetch.h"

#include <curl/curl.h>
#include <moonbeam/version.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "net/address.h"
#include "net/http.h"
#include "net/url.h"

namespace moonbeam::net {

namespace {

using Clock = std::chrono::steady_clock;

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using UrlPtr = std::unique_ptr<CURLU, FreeUrl>;
struct FreeHandle {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  return text;
}

/// One transfer, as its callbacks see it.
struct Transfer {
  const FetchOptions& options;
  std::string body = {};
  bool refused = false, too_long = false;
};

std::size_t take(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (size > transfer.options.most_bytes - transfer.body.size()) {
    transfer.too_long = true;
    return size + 1;
  }
  try {
    transfer.body.append(data, size);
  } catch (...) {
    return size + 1;
  }
  return size;
}

curl_socket_t open_checked(void* user, curlsocktype, curl_sockaddr* where) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const auto& may_connect = transfer.options.may_connect;
  const bool allowed = may_connect ? may_connect(where->addr) : is_public_address(where->addr);
  if (!allowed) {
    transfer.refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(where->family, where->socktype | SOCK_CLOEXEC, where->protocol);
}

UrlPtr checked_url(const std::string& text, const FetchOptions& options) {
  UrlPtr url(curl_url());
  if (url == nullptr) throw std::bad_alloc();
  constexpr unsigned kStrict = CURLU_DISALLOW_USER;
  if (text.find_first_of(" \t\r\n") != std::string::npos ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), kStrict) != CURLUE_OK)
    throw FetchRefused("expected https://HOST/PATH without a user name");
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME), host = part_of(url.get(), CURLUPART_HOST);
  if (scheme != "https" && !(options.http && scheme == "http"))
    throw FetchRefused("expected https" + std::string(options.http ? " or http" : "") + ", got " +
                       base::printable(scheme));
  const bool listed =
      options.hosts.empty() || std::any_of(options.hosts.begin(), options.hosts.end(),
                                           [&](const std::string& one) { return matches_host(one, host); });
  if (!listed) throw FetchRefused("this host is not among those that the server fetches from");
  return url;
}

void set_up(CURL* handle, CURLU* url, Transfer& transfer, long left_ms) {
  const auto set = [handle](CURLoption option, auto value) {
    if (curl_easy_setopt(handle, option, value) != CURLE_OK)
      base::fail(ErrorCode::kUnsupported, "this libcurl knows no option ", static_cast<int>(option));
  };
  set(CURLOPT_CURLU, url);
  set(CURLOPT_PROTOCOLS_STR, transfer.options.http ? "http,https" : "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // nor one of the environment
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, left_ms);
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(transfer.options.most_bytes));
  set(CURLOPT_USERAGENT, ("moonbeam/" + std::string(version())).c_str());
  set(CURLOPT_OPENSOCKETFUNCTION, open_checked);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&transfer));
  set(CURLOPT_WRITEFUNCTION, take);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
}

[[noreturn]] void fail(CURLcode code, const Transfer& transfer) {
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (transfer.too_long || code == CURLE_FILESIZE_EXCEEDED) {
    base::fail(ErrorCode::kExhausted, "more than ",
               base::format_bytes(static_cast<std::int64_t>(transfer.options.most_bytes)));
  }
  if (transfer.refused || code == CURLE_COULDNT_RESOLVE_HOST)
    throw FetchRefused("this host has no address in the internet");
  if (code == CURLE_OPERATION_TIMEDOUT) throw NetworkError("it took too long");
  throw NetworkError(curl_easy_strerror(code));
}

}  // namespace

bool matches_host(std::string_view pattern, std::string_view host) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  // `star`: behind the last *, and what it has swallowed so far ends at `again`.
  std::size_t p = 0, h = 0, star = std::string_view::npos, again = 0;
  while (h < host.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      again = h;
    } else if (p < pattern.size() && lower(pattern[p]) == lower(host[h])) {
      ++p, ++h;
    } else if (star != std::string_view::npos) {
      p = star;
      h = ++again;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string fetch(const std::string& first, const FetchOptions& options) {
  const HttpClient started;  // sets libcurl up, once a process
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(options.whole_ms);
  std::string at = first;
  for (int redirects = 0;; ++redirects) {
    const UrlPtr url = checked_url(at, options);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) throw NetworkError("it took too long");
    Transfer transfer{options};
    const std::unique_ptr<CURL, FreeHandle> handle(curl_easy_init());
    if (handle == nullptr) throw std::bad_alloc();
    set_up(handle.get(), url.get(), transfer, static_cast<long>(left));
    const CURLcode code = curl_easy_perform(handle.get());
    if (code != CURLE_OK) fail(code, transfer);
    long status = 0;
    char* location = nullptr;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle.get(), CURLINFO_REDIRECT_URL, &location);  // made whole by libcurl
    if (status == 200) return std::move(transfer.body);
    const bool leads_on = status >= 300 && status < 400 && location != nullptr;
    if (!leads_on) throw NetworkError("its server answered " + std::to_string(status));
    if (redirects == options.most_redirects) throw NetworkError("it leads on and on");
    at = location;
  }
}

}  // namespace moonbeam::net
