// Ids of requests, the server's and the command line's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace moonbeam::net {

/// "mb-" and 26 characters, ordered by time.
inline std::string new_request_id() {
  constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
  thread_local std::mt19937_64 random{std::random_device{}()};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto time = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::string id(26, '0');
  for (int i = 9; i >= 0; --i, time >>= 5) id[static_cast<std::size_t>(i)] = kDigits[time & 31];
  for (std::size_t i = 10; i < id.size(); ++i) id[i] = kDigits[random() & 31];
  return "mb-" + id;
}

}  // namespace moonbeam::net
