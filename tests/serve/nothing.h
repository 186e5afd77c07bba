// A server that does next to nothing, as a process of its own: the same load against it tells what the load
// itself takes from a machine that client and server share.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <unordered_map>

namespace moonbeam::test {

/// Reads and forgets. A POST whose body is announced in the first piece is answered 429 at once; a connection
/// whose first piece is no whole head is closed after five seconds. To be made before there are threads.
class Nothing {
 public:
  Nothing() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 4096) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      std::abort();
    port = ntohs(address.sin_port);
    child_ = ::fork();
    if (child_ == 0) serve();
    ::close(listener_);
  }
  ~Nothing() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  Nothing(const Nothing&) = delete;
  Nothing& operator=(const Nothing&) = delete;

  pid_t pid() const { return child_; }
  std::uint16_t port = 0;

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection {
    bool begun = false;
    std::size_t rest = 0;  // of a body that was refused
    std::uint64_t number = 0;
  };

  [[noreturn]] void serve() {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_);
    std::array<epoll_event, 128> events = {};
    for (;;) {
      const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 100);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_ ? accept_all() : read(fd);
      }
      close_old();
    }
  }
  void watch(int fd) const {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
  }
  void accept_all() {
    for (int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK); fd >= 0;
         fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) {
      watch(fd);
      all_[fd] = {.number = ++accepted_};
    }
  }
  void read(int fd) {
    const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0) return;
    if (got == 0) return forget(fd);
    Connection& connection = all_[fd];
    auto size = static_cast<std::size_t>(got);
    if (connection.rest > 0) {
      connection.rest -= std::min(connection.rest, size);
      return;
    }
    const std::string_view text(buffer_.data(), size);
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos || !text.starts_with("POST ")) {
      if (!connection.begun && text.starts_with("GET /health"))
        opened_.push_back({Clock::now(), fd, connection.number});
      connection.begun = true;
      return;
    }
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t length = std::strtoul(text.data() + text.find(kLength) + kLength.size(), nullptr, 10);
    size -= end + 4;
    connection.rest = length - std::min(length, size);
    constexpr std::string_view kRefusal =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}";
    if (length < 200'000) ::send(fd, kRefusal.data(), kRefusal.size(), MSG_NOSIGNAL);
  }
  void close_old() {
    while (!opened_.empty() && Clock::now() - opened_.front().since > std::chrono::seconds(5)) {
      const Opened first = opened_.front();
      opened_.pop_front();
      const auto found = all_.find(first.fd);
      if (found != all_.end() && found->second.number == first.number) forget(first.fd);
    }
  }
  void forget(int fd) {
    all_.erase(fd);
    ::close(fd);
  }

  struct Opened {
    Clock::time_point since;
    int fd;
    std::uint64_t number;
  };
  int listener_ = -1, poll_ = -1;
  pid_t child_ = -1;
  std::array<char, 65536> buffer_ = {};
  std::unordered_map<int, Connection> all_;
  std::deque<Opened> opened_;
  std::uint64_t accepted_ = 0;
};

}  // namespace moonbeam::test
