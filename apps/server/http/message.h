// What a request and its answer are to those who handle them. Nothing of the transport shows here.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/request_id.h"

namespace moonbeam::server {

/// Names of headers, schemes and hosts compare without regard to case.
bool same_name(std::string_view a, std::string_view b) noexcept;

/// Without the white space round it.
std::string_view trim(std::string_view text) noexcept;
/// The items of a header's list: "a, b".
std::vector<std::string_view> list_items(std::string_view value);

using moonbeam::net::new_request_id;

/// In the order in which they came; names compare without regard to case.
class Headers {
 public:
  void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
  /// The first of this name; nullptr where there is none.
  const std::string* find(std::string_view name) const noexcept;
  const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

/// A request whose head was checked (host, origin, key) and whose body is here, whole.
struct Request {
  std::string method;  ///< "POST"
  std::string path;    ///< percent-decoded, runs of '/' are one
  std::string query;   ///< what stood after '?', not decoded
  Headers headers;
  std::string body;
  std::string id;        ///< the caller's usable X-Request-Id, or ours; every answer bears it
  std::string address;   ///< of the peer, without its port
  std::string key_name;  ///< of the key it brought; empty without keys
  std::string client;    ///< whose turn it takes in the scheduler: the key's name, else the address
  std::chrono::steady_clock::time_point received = {};
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

/// The caller's X-Request-Id where it is usable (1 to 64 of [A-Za-z0-9._-]), else a new one.
std::string request_id(const Headers& headers);

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers = {};
  std::string body = {};
};

/// What the log line and the metrics of a request tell beyond its status. Never a picture or a text.
struct Account {
  std::string task = {};    ///< "caption", "query", "detect", "point"; empty where none ran
  std::string finish = {};  ///< "stop", "length"; empty where it failed
  std::string code = {};    ///< of the error, as in the body; "client_closed" where the reader went away
  std::int64_t pixels = 0;
  int prompt_tokens = 0, output_tokens = 0;
  double image_decode_ms = 0, queue_ms = 0, encode_ms = 0, prefill_ms = 0, decode_ms = 0;
  double first_token_ms = 0;  ///< from the request's arrival
  bool picture = false;       ///< one was asked about
  bool cached = false;        ///< and it was encoded already
};

}  // namespace moonbeam::server
