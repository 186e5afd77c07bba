// GET with what downloads need: redirects, several attempts, and a token that goes to its own server alone.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "net/url.h"

namespace moonbeam::pull {

struct FetchOptions {
  std::string token = {};         ///< sent as Authorization: Bearer
  std::string token_origin = {};  ///< the URL of the server that it belongs to
  int attempts = 4;
  int backoff_ms = 1000;  ///< before the second attempt; doubles
  int stall_s = 30;       ///< without a byte
  std::function<bool()> carry_on = {};
  std::function<void(const std::string&)> note = {};  ///< why there is another attempt
};

/// An answer that says: later. It is worth another attempt.
class BusyError : public net::NetworkError {
 public:
  BusyError(const std::string& message, int after_s) : NetworkError(message), after_s_(after_s) {}
  int after_s() const noexcept { return after_s_; }

 private:
  int after_s_;
};

class Fetcher {
 public:
  explicit Fetcher(FetchOptions options);

  /// One attempt; follows redirects, and calls the handlers for the last answer alone: 200, 206 or 416.
  /// @throws NetworkError, BusyError; Error kNotFound (401, 403, 404, 410).
  net::Head once(const std::string& url, const std::vector<std::string>& headers,
                 const net::Handlers& handlers);

  /// Runs `work` until it does not throw NetworkError, as often as the options say. An attempt after which
  /// `progress` has grown by 4 MiB starts the count anew.
  void attempt(const std::function<void()>& work, const std::function<std::int64_t()>& progress = {});

  /// A small text, at most 16 MiB.
  std::string text(const std::string& url);

  const FetchOptions& options() const noexcept { return options_; }

 private:
  void wait(int ms) const;
  std::vector<std::string> with_token(const std::string& url, std::vector<std::string> headers) const;
  FetchOptions options_;
  net::HttpClient client_;
};

}  // namespace moonbeam::pull
