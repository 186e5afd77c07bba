// Which addresses of the network are anybody's, and which belong to the place where this program runs.
#pragma once

#include <string>

struct sockaddr;

namespace moonbeam::net {

/// Whether what is there is out in the internet. False for this machine, its networks and those of its
/// provider (loopback, private, link-local, shared, multicast, reserved, services that hand out secrets), and
/// for IPv6 addresses that stand for an IPv4 one.
bool is_public_address(const sockaddr& address) noexcept;
/// The same of "192.0.2.1" or "2001:db8::1"; false where it is neither.
bool is_public_address(const std::string& address) noexcept;

}  // namespace moonbeam::net
