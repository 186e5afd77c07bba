// Opening sockets, and finding out who sits on a port that is taken.
#include "server/http/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/error.h"
#include "server/http/message.h"

namespace moonbeam::server {

namespace fs = std::filesystem;

namespace {

constexpr int kBacklog = 4096;

std::string in_words(int error_number) {
  return std::strerror(error_number);
}

std::string bracketed(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

/// Fills in address and port of a bound socket.
void name_listener(Listener& listener) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  auto* const any = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(listener.fd, any, &size) != 0) return;
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    listener.port = ntohs(v4->sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    listener.port = ntohs(v6->sin6_port);
  }
  listener.address = text;
  if (listener.host.empty()) listener.host = listener.address;
  listener.loopback = is_loopback(listener.address);
}

/// The inode of the socket that listens on `port`, from the kernel's table.
std::string inode_of_listener(std::uint16_t port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >>
          inode;
      const std::size_t colon = local.rfind(':');
      if (state != "0A" || colon == std::string::npos) continue;  // 0A: LISTEN
      if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port) return inode;
    }
  }
  return {};
}

/// " by moonbeam (process 1234)", empty where it cannot be told.
std::string owner_of(std::uint16_t port) {
  const std::string inode = inode_of_listener(port);
  if (inode.empty()) return {};
  const std::string wanted = "socket:[" + inode + "]";
  std::error_code error;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code hidden;
    for (const fs::directory_entry& fd : fs::directory_iterator(process.path() / "fd", hidden)) {
      if (fs::read_symlink(fd.path(), hidden) != wanted) continue;
      std::ifstream name_file(process.path() / "comm");
      std::string name;
      std::getline(name_file, name);
      return " by " + base::printable(name) + " (process " + pid + ")";
    }
  }
  return " by a process of another user";
}

struct FreeInfo {
  void operator()(addrinfo* info) const noexcept { ::freeaddrinfo(info); }
};
using Addresses = std::unique_ptr<addrinfo, FreeInfo>;

Addresses look_up(const HostPort& where) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found);
  if (status != 0) {
    base::fail(ErrorCode::kInvalidArgument, "--listen ", bracketed(where.host), ":", int{where.port}, ": ",
               ::gai_strerror(status));
  }
  return Addresses(found);
}

/// -1 and errno where it cannot be bound.
int bind_socket(const addrinfo& info) {
  const int fd = ::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info.ai_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, info.ai_addr, info.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  const int error_number = errno;
  ::close(fd);
  errno = error_number;
  return -1;
}

[[noreturn]] void fail_bind(const HostPort& where, int error_number) {
  const std::string place = bracketed(where.host) + ":" + std::to_string(where.port);
  if (error_number == EADDRINUSE) {
    base::fail(ErrorCode::kExhausted, "port ", int{where.port}, " of ", bracketed(where.host), " is taken",
               owner_of(where.port), "; --port N chooses another, --port 0 a free one");
  }
  const ErrorCode code = error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS
                             ? ErrorCode::kExhausted
                             : ErrorCode::kInvalidArgument;
  base::fail(code, "cannot listen on ", place, ": ", in_words(error_number));
}

Listener open_one(const HostPort& where) {
  const Addresses addresses = look_up(where);
  int error_number = EADDRNOTAVAIL;
  for (const addrinfo* info = addresses.get(); info != nullptr; info = info->ai_next) {
    Listener listener;
    listener.fd = bind_socket(*info);
    if (listener.fd < 0) {
      error_number = errno;
      continue;
    }
    listener.host = where.host;
    name_listener(listener);
    return listener;
  }
  fail_bind(where, error_number);
}

/// 127.0.0.1 and ::1 at one port. With port 0 the one that is free for the first may be taken for the second.
std::vector<Listener> open_loopback(std::uint16_t port) {
  for (int attempt = 0;; ++attempt) {
    std::vector<Listener> listeners = {open_one({"127.0.0.1", port})};
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    address.sin6_port = htons(listeners[0].port);
    addrinfo info = {};
    info.ai_family = AF_INET6;
    info.ai_addr = reinterpret_cast<sockaddr*>(&address);
    info.ai_addrlen = sizeof address;
    Listener second;
    second.fd = bind_socket(info);
    if (second.fd >= 0) {
      name_listener(second);
      listeners.push_back(second);
      return listeners;
    }
    const int error_number = errno;
    if (error_number != EADDRINUSE) return listeners;  // a machine without IPv6
    close_listeners(listeners);
    if (port != 0 || attempt == 16) fail_bind({"::1", port}, error_number);
  }
}

}  // namespace

std::string Listener::url(std::string_view scheme) const {
  return std::string(scheme) + "://" + bracketed(address) + ":" + std::to_string(port);
}

HostPort parse_host_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const bool six = text.starts_with('[');
  const std::size_t end = six ? text.find(']') : colon;
  HostPort where;
  const bool shaped = colon != std::string::npos && end != std::string::npos &&
                      (six ? end + 1 == colon : text.find(':') == colon) && end > (six ? 1U : 0U);
  const char* const last = text.data() + text.size();
  unsigned port = 0;
  const auto read = shaped ? std::from_chars(text.data() + colon + 1, last, port) : std::from_chars_result{};
  if (!shaped || read.ec != std::errc() || read.ptr != last || colon + 1 == text.size() || port > 65535) {
    base::fail(ErrorCode::kInvalidArgument, "expected ADDRESS:PORT or [ADDRESS]:PORT, got '",
               base::printable(text), "'");
  }
  where.host = six ? text.substr(1, end - 1) : text.substr(0, end);
  where.port = static_cast<std::uint16_t>(port);
  return where;
}

std::vector<Listener> open_listeners(const std::vector<std::string>& addresses, std::uint16_t port) {
  if (addresses.empty()) return open_loopback(port);
  std::vector<Listener> listeners;
  try {
    for (const std::string& address : addresses) listeners.push_back(open_one(parse_host_port(address)));
  } catch (...) {
    close_listeners(listeners);
    throw;
  }
  return listeners;
}

std::vector<Listener> inherited_listeners() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  std::vector<Listener> listeners;
  if (pid == nullptr || count == nullptr || std::strtol(pid, nullptr, 10) != ::getpid()) return listeners;
  constexpr int kFirst = 3;
  const long fds = std::min(std::strtol(count, nullptr, 10), 64L);
  for (int fd = kFirst; fd < kFirst + fds; ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    Listener listener;
    listener.fd = fd;
    name_listener(listener);
    if (listener.address.empty())
      base::fail(ErrorCode::kInvalidArgument, "LISTEN_FDS: descriptor ", fd, " is no TCP socket");
    listeners.push_back(listener);
  }
  return listeners;
}

void close_listeners(std::vector<Listener>& listeners) noexcept {
  for (Listener& listener : listeners) {
    if (listener.fd >= 0) ::close(listener.fd);
    listener.fd = -1;
  }
}

bool is_loopback(std::string_view address) noexcept {
  if (address.starts_with("::ffff:")) address.remove_prefix(7);
  return address == "::1" || same_name(address, "localhost") ||
         (address.starts_with("127.") && address.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace moonbeam::server
