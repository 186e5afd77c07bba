// A server that answers calls: what the user says of it, and what is known of it while a run goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/llm/body.h"
#include "data/llm/ledger.h"
#include "data/llm/limits.h"

namespace moonbeam::llm {

struct Prices {
  double prompt = 0, cached = 0, completion = 0;  ///< a million tokens
  double gpus = 0;  ///< of our own server: GPU time in place of money, or beside it
};

struct EndpointOptions {
  std::string name;                 ///< for ledger and messages; empty: host and port of the URL
  std::string url;                  ///< up to and with "/v1"
  std::string key_env;              ///< name of the environment variable that holds the key
  std::vector<std::string> models;  ///< generators it serves; empty: all
  std::string served_model;         ///< the name to ask it for; empty: the generator's
  double weight = 1;                ///< share of the load beside others
  int start_window = 8, most_in_flight = 1024;
  double requests_per_minute = 0, tokens_per_minute = 0;  ///< 0: no limit
  Prices prices = {};
  std::optional<Dialect> dialect = {};  ///< none: found out by a probe
  bool completion_tokens = false;       ///< takes max_completion_tokens
};

/// A list of objects with the keys name, url, key_env, models, served_model, weight, start_window,
/// most_in_flight, requests_per_minute, tokens_per_minute, price_prompt, price_cached, price_completion,
/// gpus, dialect, completion_tokens. @throws Error kInvalidArgument naming `where` and the key.
std::vector<EndpointOptions> parse_endpoints(std::string_view json, const std::string& where);

/// What one answer cost there. `shared`: calls that were under way there at the same time, this one included.
Spent cost_of(const Usage& usage, const Prices& prices, double latency_ms, int shared);
/// The most that a request with at most so many tokens may cost.
Spent worst_cost(std::int64_t most_prompt, std::int64_t most_completion, const Prices& prices,
                 double timeout_ms);

enum class DialectState { kUnknown, kProbing, kKnown };

/// Belongs to the client's thread.
struct Endpoint {
  Endpoint(const EndpointOptions& given, int breaker_failures, double breaker_probe_ms);

  EndpointOptions options;
  std::string key;  ///< from the environment; never shown
  Window window;
  TokenBucket requests, tokens;
  Breaker breaker;
  int in_flight = 0;
  double paused_until = 0;  ///< as a Retry-After asked for, when the window was cut
  DialectState dialect_state = DialectState::kUnknown;
  Dialect dialect = Dialect::kNone;
  std::size_t next_probe = 0;  ///< of all_dialects()
  double probe_at = 0;
  int probe_tries = 0;
  std::int64_t sent = 0, answered = 0, slow_downs = 0, failures = 0;

  bool serves(std::string_view model) const;
  /// When a call may be sent: `now` if at once, kNever while something else has to end first.
  double ready_at(double likely_tokens, double now) const;
  double load() const { return (in_flight + 1) / options.weight; }
  const std::string& model_name(const Call& call) const {
    return options.served_model.empty() ? call.model : options.served_model;
  }
};

}  // namespace moonbeam::llm
