// A server with the native HTTP API as an Answerer: `--remote URL`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/answerer.h"
#include "net/http.h"

namespace moonbeam::cli {

struct RemoteOptions {
  std::string url;           ///< http(s)://HOST:PORT, with or without /v1
  std::string key;           ///< sent in X-Moondream-Auth; empty: none
  std::string ca_file = {};  ///< certificates to know an https server by; empty: the system's
  std::string model;         ///< field `model`; empty: the one that the server has
  int attempts = 4;          ///< while the server says that it is busy
  int backoff_ms = 500;
  int whole_ms = 600'000;  ///< for one answer
};

/// One thread at a time; several clients may ask one server at once.
class RemoteClient : public Answerer {
 public:
  /// @throws Error kInvalidArgument for what is no URL.
  RemoteClient(RemoteOptions options, std::function<bool()> carry_on);
  Abilities abilities() override;
  /// @throws net::NetworkError; Error by the server's answer: kInvalidArgument (400, 401, 403), kCorrupt (the
  /// picture), kUnsupported, kNotFound (404), kExhausted (413, 429, 503, 504).
  Answer ask(const std::string& picture, const Ask& ask) override;
  /// What the last answer's `warnings` said.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 private:
  struct Exchange;
  void post(const Exchange& exchange, const Ask& ask, Answer& answer);
  net::Head attempt(const Exchange& exchange, const Ask& ask, Answer& answer, std::string& body);
  RemoteOptions options_;
  std::function<bool()> carry_on_;
  net::HttpClient http_;
  std::vector<std::string> warnings_;
};

/// SHA-256 of a picture's bytes: by this header proxies send the same picture to the same replica.
inline constexpr const char* kDigestHeader = "X-Image-Digest";

}  // namespace moonbeam::cli
