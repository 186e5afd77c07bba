// The tables follow IANA's registries of special-purpose addresses. For IPv6 the one block that is given out
// is let through, less what lies in it for other purposes.
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace moonbeam::net {

namespace {

struct Block4 {
  std::uint32_t address;
  int bits;
};
constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}
constexpr Block4 kNotPublic4[] = {
    {v4(0, 0, 0, 0), 8},         // this network
    {v4(10, 0, 0, 0), 8},        // private
    {v4(100, 64, 0, 0), 10},     // shared by a provider's customers
    {v4(127, 0, 0, 0), 8},       // loopback
    {v4(168, 63, 129, 16), 32},  // what a cloud tells its machines, at an address like any other
    {v4(169, 254, 0, 0), 16},    // link-local, and what most clouds tell their machines
    {v4(172, 16, 0, 0), 12},     // private
    {v4(192, 0, 0, 0), 24},      // protocols
    {v4(192, 0, 2, 0), 24},      // documents
    {v4(192, 88, 99, 0), 24},    // relays
    {v4(192, 168, 0, 0), 16},    // private
    {v4(198, 18, 0, 0), 15},     // benchmarks
    {v4(198, 51, 100, 0), 24},   // documents
    {v4(203, 0, 113, 0), 24},    // documents
    {v4(224, 0, 0, 0), 4},       // multicast
    {v4(240, 0, 0, 0), 4},       // reserved, broadcast
};

struct Block6 {
  std::array<std::uint8_t, 4> begin;
  int bits;
};
constexpr Block6 kGivenOut6 = {{0x20, 0, 0, 0}, 3};
constexpr Block6 kNotPublic6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23},  // protocols: Teredo (an IPv4 address in it), benchmarks, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documents
    {{0x20, 0x02, 0x00, 0x00}, 16},  // 6to4: an IPv4 address in it
    {{0x3f, 0xff, 0x00, 0x00}, 20},  // documents
};

bool lies_in(std::uint32_t address, const Block4& block) {
  return (address ^ block.address) >> (32 - block.bits) == 0;
}

bool lies_in(const in6_addr& address, const Block6& block) {
  for (int bit = 0; bit < block.bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    const auto at = static_cast<std::size_t>(bit / 8);
    if (((address.s6_addr[at] ^ block.begin[at]) & mask) != 0) return false;
  }
  return true;
}

bool is_public4(const in_addr& address) {
  for (const Block4& block : kNotPublic4) {
    if (lies_in(ntohl(address.s_addr), block)) return false;
  }
  return true;
}

bool is_public6(const in6_addr& address) {
  if (!lies_in(address, kGivenOut6)) return false;
  for (const Block6& block : kNotPublic6) {
    if (lies_in(address, block)) return false;
  }
  return true;
}

}  // namespace

bool is_public_address(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    sockaddr_in four = {};
    std::memcpy(&four, &address, sizeof four);
    return is_public4(four.sin_addr);
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 six = {};
    std::memcpy(&six, &address, sizeof six);
    return is_public6(six.sin6_addr);
  }
  return false;
}

bool is_public_address(const std::string& address) noexcept {
  in_addr four = {};
  in6_addr six = {};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) return is_public4(four);
  return ::inet_pton(AF_INET6, address.c_str(), &six) == 1 && is_public6(six);
}

}  // namespace moonbeam::net
