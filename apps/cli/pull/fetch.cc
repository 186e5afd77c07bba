#include "cli/pull/fetch.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace moonbeam::pull {

namespace {

constexpr int kMaxRedirects = 10;
constexpr int kMaxWaitMs = 60'000;
constexpr std::int64_t kRealProgress = std::int64_t{4} << 20;  // bytes
constexpr std::size_t kMaxText = std::size_t{16} << 20;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Ends an answer that is none of a file.
[[noreturn]] void fail_status(const std::string& url, const net::Head& head) {
  const std::string where = net::printable_url(url) + ": ";
  const std::string status = "the server answered " + std::to_string(head.status);
  switch (head.status) {
    case 401:
    case 403:
      throw Error(ErrorCode::kNotFound,
                  where + status + ": no such model, or it wants a token (HF_TOKEN) that may read it");
    case 404:
    case 410:
      throw Error(ErrorCode::kNotFound, where + status + ": there is no such file");
    case 408:
    case 425:
    case 429:
      throw BusyError(where + status, net::retry_after_s(head));
    default:
      if (head.status >= 500) throw BusyError(where + status, net::retry_after_s(head));
      throw net::NetworkError(where + status);
  }
}

}  // namespace

Fetcher::Fetcher(FetchOptions options)
    : options_(std::move(options)), client_(net::Timeouts{.stall_s = options_.stall_s}) {}

std::vector<std::string> Fetcher::with_token(const std::string& url, std::vector<std::string> headers) const {
  if (options_.token.empty() || options_.token_origin.empty()) return headers;
  const net::Url to = net::parse_url(url);
  const bool secret = to.scheme == "https" || net::is_loopback(to);
  if (secret && net::same_origin(to, net::parse_url(options_.token_origin))) {
    headers.push_back("Authorization: Bearer " + options_.token);
  }
  return headers;
}

net::Head Fetcher::once(const std::string& url, const std::vector<std::string>& headers,
                        const net::Handlers& handlers) {
  std::string at = url;
  const bool secure = net::parse_url(url).scheme == "https";
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    bool final = false;
    net::Handlers own;
    own.carry_on = options_.carry_on;
    own.on_head = [&](const net::Head& head) {
      final = head.status == 200 || head.status == 206 || head.status == 416;
      if (!final && !is_redirect(head.status)) fail_status(at, head);
      if (final && handlers.on_head) handlers.on_head(head);
    };
    own.on_data = [&](std::string_view data) {
      if (final && handlers.on_data) handlers.on_data(data);
    };
    // The first hop alone may bear the token: where a redirect leads is another's word.
    net::Head head =
        client_.perform({.url = at, .headers = hop == 0 ? with_token(at, headers) : headers}, own);
    if (final) return head;
    if (!is_redirect(head.status)) fail_status(at, head);
    const std::string location = head.header("location");
    try {
      at = net::resolve_reference(at, location);
    } catch (const Error&) {
      throw net::NetworkError(net::printable_url(at) + ": a redirect to '" + net::printable_url(location) +
                              "'");
    }
    if (secure && net::parse_url(at).scheme != "https") {
      throw net::NetworkError(net::printable_url(url) + ": a redirect from https to http");
    }
  }
  throw net::NetworkError(net::printable_url(url) + ": more than " + std::to_string(kMaxRedirects) +
                          " redirects");
}

void Fetcher::wait(int ms) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end) {
    if (options_.carry_on && !options_.carry_on()) throw Error(ErrorCode::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(ms, 50)));
  }
}

void Fetcher::attempt(const std::function<void()>& work, const std::function<std::int64_t()>& progress) {
  std::int64_t last = progress ? progress() : 0;
  for (int tried = 1;; ++tried) {
    int wait_ms = options_.backoff_ms << std::min(tried - 1, 6);
    try {
      return work();
    } catch (const net::NetworkError& error) {
      const std::int64_t now = progress ? progress() : 0;
      if (now - last >= kRealProgress) tried = 1;
      last = now;
      if (tried >= options_.attempts) throw;
      if (const auto* busy = dynamic_cast<const BusyError*>(&error)) {
        wait_ms = std::max(wait_ms, std::min(busy->after_s() * 1000, kMaxWaitMs));
      }
      if (options_.note) {
        options_.note(std::string(error.what()) + "; attempt " + std::to_string(tried + 1) + " of " +
                      std::to_string(options_.attempts));
      }
    }
    wait(wait_ms);
  }
}

std::string Fetcher::text(const std::string& url) {
  std::string body;
  attempt([&] {
    body.clear();
    once(url, {},
         {.on_head = {},
          .on_data =
              [&](std::string_view piece) {
                if (body.size() + piece.size() > kMaxText) {
                  base::fail(ErrorCode::kCorrupt, net::printable_url(url), ": an answer of more than 16 MB");
                }
                body += piece;
              },
          .carry_on = {}});
  });
  return body;
}

}  // namespace moonbeam::pull
