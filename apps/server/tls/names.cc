#include "server/tls/names.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/descriptor.h"

namespace moonbeam::server {

namespace {

/// Lower case; empty where it could not stand in a URL.
std::string usable_name(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const bool usable = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos &&
                      !name.empty() && name.front() != '.' && name.front() != '-' && name.size() <= 200;
  return usable ? name : std::string();
}

std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  }
  const std::string found = text;
  return found.starts_with("169.254.") ? std::string() : found;
}

std::vector<std::string> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const auto free_list = [](ifaddrs* all) { ::freeifaddrs(all); };
  const std::unique_ptr<ifaddrs, decltype(free_list)> owner(list, free_list);
  std::vector<std::string> found;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0 || (one->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    const std::string text = text_of(one->ifa_addr);
    if (!text.empty() && std::find(found.begin(), found.end(), text) == found.end()) found.push_back(text);
  }
  return found;
}

/// Where a packet to the world would leave from; none is sent.
std::string address_towards_the_world() {
  const base::Descriptor probe(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  ::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);  // of no machine: set aside for documents
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (probe.get() < 0 || ::connect(probe.get(), any, size) != 0) return {};
  if (::getsockname(probe.get(), any, &size) != 0) return {};
  return text_of(any);
}

}  // namespace

MachineNames machine_names() {
  MachineNames names;
  char text[256] = "";
  if (::gethostname(text, sizeof text - 1) == 0) {
    const std::string name = usable_name(text);
    if (!name.empty() && name != "localhost") {
      names.hosts.push_back(name);
      const std::string local = name.substr(0, name.find('.')) + ".local";
      if (local != name) names.hosts.push_back(local);
    }
  }
  names.addresses = interface_addresses();
  names.main_address = address_towards_the_world();
  if (std::find(names.addresses.begin(), names.addresses.end(), names.main_address) == names.addresses.end())
    names.main_address = names.addresses.empty() ? std::string() : names.addresses.front();
  return names;
}

}  // namespace moonbeam::server
