// Sockets to listen on: of our own, or handed over by a service manager.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::server {

/// One bound socket that listens.
struct Listener {
  int fd = -1;
  std::string host;  ///< as the user wrote it, or the address
  std::string address;
  std::uint16_t port = 0;
  bool loopback = false;

  /// "http://127.0.0.1:2020"
  std::string url(std::string_view scheme = "http") const;
};

struct HostPort {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
};
/// "127.0.0.1:2020", "[::1]:2020", "localhost:80". @throws Error kInvalidArgument.
HostPort parse_host_port(const std::string& text);

/// Binds and listens on all of `addresses`; without any, on 127.0.0.1 and, where the machine has it, ::1 at
/// `port`. Port 0 takes a free one, the same for both of these.
/// @throws Error kExhausted where a port is taken, naming the process that has it; kInvalidArgument,
///         kNotFound.
std::vector<Listener> open_listeners(const std::vector<std::string>& addresses, std::uint16_t port);

/// The sockets that a service manager passed on (LISTEN_FDS, LISTEN_PID), none if it did not.
std::vector<Listener> inherited_listeners();

void close_listeners(std::vector<Listener>& listeners) noexcept;

/// An address that only this machine reaches: 127.0.0.0/8, ::1, and those mapped to IPv6.
bool is_loopback(std::string_view address) noexcept;

}  // namespace moonbeam::server
