// Who may ask: keys, hosts, origins, rates. Looks at heads alone; nothing of the transport.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/http/message.h"

namespace moonbeam::server {

/// A key as its SHA-256, so that comparing it takes the same time whatever was sent.
struct Key {
  std::string name;
  std::string digest;
};
Key make_key(std::string name, std::string_view secret);

/// Lines of "name:key" or "key" (then named key1, key2, ... by their line); blank lines and those that begin
/// with # are none. @throws Error kInvalidArgument naming the line, kNotFound.
std::vector<Key> read_key_file(const std::string& path);
/// The first key of such a file as it stands, for a client of the server; empty where there is none.
/// @throws Error as read_key_file().
std::string first_key_in_file(const std::string& path);

struct GuardOptions {
  std::vector<std::string> allowed_hosts = {};  ///< beside localhost and addresses; "*": any
  std::vector<std::string> cors_origins = {};   ///< "https://example.org", "null", "*"
  double rate = 0;                              ///< requests a second of a client; 0: no limit
};

/// What is added to every answer of a request because of where it came from.
struct Admission {
  Headers headers;
  bool preflight = false;  ///< answer 204 with these headers, and nothing else
};

class Guard {
 public:
  using Clock = std::chrono::steady_clock;

  Guard(GuardOptions options, std::vector<Key> keys);

  void set_keys(std::vector<Key> keys);
  bool has_keys() const;

  /// Host and Origin. `local_address`: where the connection arrived; `hosts`: names that we listen on.
  /// @throws Refusal 403.
  Admission admit(const Request& request, std::string_view local_address,
                  const std::vector<std::string>& hosts, bool websocket) const;

  /// Sets key_name and client. @throws Refusal 401, where keys are set, none fits and the route is not open.
  void authenticate(Request& request, bool open) const;

  /// @throws Refusal 429 with the seconds to wait.
  void spend(const std::string& client, Clock::time_point now);

 private:
  struct Bucket {
    double tokens = 0;
    Clock::time_point filled;
  };

  GuardOptions options_;
  std::shared_ptr<const std::vector<Key>> keys_;
  mutable std::mutex mutex_;  // of keys_
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace moonbeam::server
