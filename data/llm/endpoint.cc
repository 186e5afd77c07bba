#include "data/llm/endpoint.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/error.h"
#include "data/llm/json_text.h"

namespace moonbeam::llm {

namespace {

std::string host_of(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  return std::string(url.substr(0, url.find('/')));
}

void check(const EndpointOptions& options, const std::string& where) {
  const auto bad = [&](const auto&... parts) {
    base::fail(ErrorCode::kInvalidArgument, where, ": ", parts...);
  };
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    bad("url: expected http:// or https://, got '", base::printable(options.url), "'");
  }
  // It would stand in every message about this server.
  if (host_of(options.url).find('@') != std::string::npos) {
    bad("url: a name or password stands in it; give the key by key_env");
  }
  if (!(options.weight > 0)) bad("weight: expected a number above 0");
  if (options.start_window < 1 || options.most_in_flight < 1) bad("expected a window of at least 1");
  if (options.requests_per_minute < 0 || options.tokens_per_minute < 0) bad("a rate is below 0");
  const Prices& prices = options.prices;
  if (prices.prompt < 0 || prices.cached < 0 || prices.completion < 0 || prices.gpus < 0) {
    bad("a price is below 0");
  }
}

/// Reads the members of one object, each at most once, and knows which were not asked for.
class Reader {
 public:
  Reader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) fail("expected an object");
  }
  template <typename T>
  void read(const char* key, T& out) {
    known_.insert(key);
    if (!json_.contains(key)) return;
    try {
      out = json_.at(key).get<T>();
    } catch (const Json::exception&) {
      fail(std::string(key) + ": a value of another kind");
    }
  }
  void check_known() const {
    for (const auto& [key, value] : json_.items()) {
      if (!known_.contains(key)) fail("unknown key '" + base::printable(key) + "'");
    }
  }
  [[noreturn]] void fail(const std::string& what) const {
    base::fail(ErrorCode::kInvalidArgument, where_, ": ", what);
  }

 private:
  const Json& json_;
  std::string where_;
  std::set<std::string> known_;
};

EndpointOptions read_endpoint(const Json& json, const std::string& where) {
  EndpointOptions out;
  Reader reader(json, where);
  std::string dialect = "auto";
  reader.read("name", out.name);
  reader.read("url", out.url);
  reader.read("key_env", out.key_env);
  reader.read("models", out.models);
  reader.read("served_model", out.served_model);
  reader.read("weight", out.weight);
  reader.read("start_window", out.start_window);
  reader.read("most_in_flight", out.most_in_flight);
  reader.read("requests_per_minute", out.requests_per_minute);
  reader.read("tokens_per_minute", out.tokens_per_minute);
  reader.read("price_prompt", out.prices.prompt);
  reader.read("price_cached", out.prices.cached);
  reader.read("price_completion", out.prices.completion);
  reader.read("gpus", out.prices.gpus);
  reader.read("dialect", dialect);
  reader.read("completion_tokens", out.completion_tokens);
  reader.check_known();
  if (dialect != "auto") {
    out.dialect = find_dialect(dialect);
    if (!out.dialect) reader.fail("dialect: '" + base::printable(dialect) + "' is none");
  }
  check(out, where);
  return out;
}

}  // namespace

std::vector<EndpointOptions> parse_endpoints(std::string_view json, const std::string& where) {
  const std::optional<Json> parsed = parse_bounded(json);
  if (!parsed || !parsed->is_array() || parsed->empty()) {
    base::fail(ErrorCode::kInvalidArgument, where, ": expected a JSON list of endpoints");
  }
  std::vector<EndpointOptions> out;
  for (std::size_t i = 0; i < parsed->size(); ++i) {
    out.push_back(read_endpoint((*parsed)[i], base::cat(where, ": endpoint ", i + 1)));
  }
  return out;
}

Spent cost_of(const Usage& usage, const Prices& prices, double latency_ms, int shared) {
  Spent out;
  out.calls = 1;
  out.usage = usage;
  out.money = (static_cast<double>(usage.prompt - usage.cached) * prices.prompt +
               static_cast<double>(usage.cached) * prices.cached +
               static_cast<double>(usage.completion) * prices.completion) /
              1e6;
  out.gpu_seconds = latency_ms / 1000 * prices.gpus / std::max(1, shared);
  return out;
}

Spent worst_cost(std::int64_t most_prompt, std::int64_t most_completion, const Prices& prices,
                 double timeout_ms) {
  const Usage usage{most_prompt, most_completion, 0};
  Prices dearest = prices;
  dearest.prompt = std::max(prices.prompt, prices.cached);
  return cost_of(usage, dearest, timeout_ms, 1);
}

Endpoint::Endpoint(const EndpointOptions& given, int breaker_failures, double breaker_probe_ms)
    : options(given),
      window(given.start_window, given.most_in_flight),
      requests(given.requests_per_minute),
      tokens(given.tokens_per_minute),
      breaker(breaker_failures, breaker_probe_ms) {
  check(options, options.name.empty() ? "endpoint" : options.name);
  while (options.url.ends_with('/')) options.url.pop_back();
  if (options.name.empty()) options.name = host_of(options.url);
  if (!options.key_env.empty()) {
    const char* value = std::getenv(options.key_env.c_str());
    if (value == nullptr || *value == '\0') {
      base::fail(ErrorCode::kInvalidArgument, options.name, ": the environment variable ", options.key_env,
                 ", which is to hold its key, is not set");
    }
    key = value;
    if (key.find_first_of("\r\n") != std::string::npos) {
      base::fail(ErrorCode::kInvalidArgument, options.name, ": ", options.key_env,
                 " holds more than one line");
    }
  }
  if (options.dialect) {
    dialect = *options.dialect;
    dialect_state = DialectState::kKnown;
  }
}

bool Endpoint::serves(std::string_view model) const {
  return options.models.empty() ||
         std::find(options.models.begin(), options.models.end(), model) != options.models.end();
}

double Endpoint::ready_at(double likely_tokens, double now) const {
  if (in_flight >= window.size()) return kNever;
  return std::max({breaker.ready_at(now), paused_until, requests.ready_at(1, now),
                   tokens.ready_at(likely_tokens, now), now});
}

}  // namespace moonbeam::llm
