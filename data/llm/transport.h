// HTTP requests, a thousand at a time, by one thread: libcurl's multi handle on epoll. It knows nothing of
// what is sent. Answers of strangers are bounded in size, in headers and in time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace moonbeam::llm {

struct HttpRequest {
  std::string url;
  std::string key;   ///< for an Authorization header; empty for none
  std::string body;  ///< JSON to POST; empty: GET
  double timeout_ms = 120'000;
  double connect_timeout_ms = 10'000;
  std::size_t max_body = std::size_t{16} << 20;
};

enum class HttpFailure { kNone, kConnect, kBroken, kTimeout, kTooLarge, kNotHttp };

struct HttpResponse {
  HttpFailure failure = HttpFailure::kNone;
  int status = 0;
  std::string retry_after;
  std::string body;
  std::string error;  ///< of the failure, for people
  double ms = 0;
};

using HttpDone = std::function<void(HttpResponse)>;

/// All but wake() belong to one thread.
class Transport {
 public:
  /// @throws Error kExhausted (no descriptors, no memory).
  explicit Transport(int most_connections);
  ~Transport();  ///< what is under way is broken off; nobody is called
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// `done` is called from within poll().
  void start(HttpRequest request, HttpDone done);
  int in_flight() const noexcept;
  /// Breaks off what is under way; nobody is called.
  void abort_all() noexcept;
  /// Works until something ended, wake() was called, or the time is over.
  void poll(double most_ms);
  /// From any thread: the poll that runs, or the next, returns.
  void wake() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Lets this process have as many descriptors as it may. @return how many that is.
int raise_descriptor_limit() noexcept;

}  // namespace moonbeam::llm
