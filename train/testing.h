// What tests of runs have in common: logs read, recipes changed, a port to meet at.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace moonbeam::train::testing {

/// The lines of a run's log without what the clock decides.
inline std::vector<nlohmann::json> log_of(const std::string& run) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(run + "/log.jsonl");
  for (std::string line; std::getline(file, line);) {
    nlohmann::json value = nlohmann::json::parse(line, nullptr, false);
    if (value.is_discarded()) continue;  // half written, as yet
    value.erase("pictures_per_s"), value.erase("seconds");
    lines.push_back(std::move(value));
  }
  return lines;
}

/// With the first `from` replaced; there must be one.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("no '" + from + "'");
  return text.replace(at, from.size(), to);
}

/// That nobody listens at just now.
inline int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(socket);
  return ntohs(address.sin_port);
}

}  // namespace moonbeam::train::testing
