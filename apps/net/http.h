// One HTTP request and its answer, on libcurl. Nothing is decided here: no redirects, no repetition, no
// credentials. Proxies come from the environment, as libcurl reads it.
#pragma once

#include <moonbeam/error.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::net {

/// The other side could not be reached, broke off, or answered what is no answer.
class NetworkError : public Error {
 public:
  explicit NetworkError(const std::string& message) : Error(ErrorCode::kNotFound, message) {}
};

/// The other side's certificate was made by nobody who is trusted here.
class CertificateError : public NetworkError {
 public:
  using NetworkError::NetworkError;
};

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers = {};  ///< "Name: value"
  std::string_view body = {};             ///< sent where the method is POST; has to live as long as the call
};

/// Names in lower case; of several headers of one name the last.
struct Head {
  int status = 0;
  std::map<std::string, std::string> headers = {};
  /// Empty where it is missing.
  std::string header(const std::string& name) const;
};

struct Timeouts {
  int connect_ms = 20'000;
  int stall_s = 30;  ///< without a byte; 0: no limit
  int whole_ms = 0;  ///< for all of it; 0: no limit
};

struct Handlers {
  /// The head of the answer, before its body; may throw to end the request.
  std::function<void(const Head&)> on_head = {};
  /// A piece of the body; may throw to end the request.
  std::function<void(std::string_view)> on_data = {};
  /// Asked several times a second; false ends the request with kCancelled.
  std::function<bool()> carry_on = {};
};

/// Keeps its connection for the next request. One thread at a time.
class HttpClient {
 public:
  /// `ca_file`: certificates in PEM that are trusted in place of the system's. @throws Error kNotFound where
  /// it cannot be read.
  explicit HttpClient(const Timeouts& timeouts = {}, const std::string& ca_file = {});
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Any status is an answer. @throws NetworkError, CertificateError, Error kCancelled, and what the handlers
  /// throw.
  Head perform(const Request& request, const Handlers& handlers);
  /// As perform(), with the body in `body`. @throws also Error kExhausted beyond `limit` bytes.
  Head perform(const Request& request, std::string& body, std::size_t limit,
               const std::function<bool()>& carry_on = {});

 private:
  struct Curl;
  std::unique_ptr<Curl> curl_;
};

/// Seconds that an answer's Retry-After names, 0 without one that is a number.
int retry_after_s(const Head& head);

}  // namespace moonbeam::net
