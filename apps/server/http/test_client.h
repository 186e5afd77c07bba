// A client of the tests: a socket that says exactly what it is told, through TLS where the tests speak that.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "server/http/test_tls.h"

namespace moonbeam::server {

struct Answer {
  int status = 0;  ///< 0: none came
  std::string head;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< without chunk sizes
  bool whole = false;                          ///< it ended as its framing says
};

class TestClient {
 public:
  explicit TestClient(std::uint16_t port, bool tls = tests_speak_tls(), int newest = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (tls && connected_) tls_ = std::make_unique<TestTls>(fd_, newest);
  }
  ~TestClient() { hang_up(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  TestClient(TestClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        connected_(other.connected_),
        in_(std::move(other.in_)),
        tls_(std::move(other.tls_)) {}

  TestClient& operator=(TestClient&& other) noexcept {
    std::swap(fd_, other.fd_);
    connected_ = other.connected_;
    in_ = std::move(other.in_);
    std::swap(tls_, other.tls_);
    return *this;
  }

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  TestTls& tls() { return *tls_; }

  /// All of it, or false where the server no longer reads.
  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = tls_ ? tls_->send(bytes.data(), bytes.size())
                                : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (!tls_ && sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void hang_up() {
    if (tls_) tls_->say_farewell();
    tls_.reset();
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// With a reset instead of a farewell.
  void reset() {
    const linger now = {1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    tls_.reset();
    hang_up();
  }

  /// Reads until `end` says that it is enough, or nothing comes for `ms`. False at the end of the stream.
  bool fill(int ms = 5000) {
    char buffer[65536];
    const ssize_t got = receive(buffer, sizeof buffer, ms);
    if (got <= 0) return false;
    in_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  /// Whether the server ends the connection within `ms`; what still comes is kept.
  bool closes(int ms = 5000) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < end) {
      char buffer[65536];
      const ssize_t got = receive(buffer, sizeof buffer, ms);
      if (got == kNothing) return false;
      if (got <= 0) return true;
      in_.append(buffer, static_cast<std::size_t>(got));
    }
    return false;
  }
  std::string& bytes() { return in_; }

  /// The next answer; `head_only` for HEAD.
  Answer hear(int ms = 5000, bool head_only = false) {
    Answer answer;
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill(ms)) return answer;
    }
    answer.head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    read_head(answer);
    if (answer.status == 100) return hear(ms, head_only);
    if (head_only || answer.status == 204 || answer.status == 101) {
      answer.whole = true;
    } else if (answer.headers.contains("content-length")) {
      const std::size_t size = std::stoul(answer.headers.at("content-length"));
      while (in_.size() < size && fill(ms)) {
      }
      answer.whole = in_.size() >= size;
      answer.body = in_.substr(0, size);
      in_.erase(0, size);
    } else if (answer.headers.contains("transfer-encoding")) {
      hear_chunks(answer, ms);
    } else {
      while (fill(ms)) {
      }
      answer.body = std::exchange(in_, {});
      answer.whole = true;
    }
    return answer;
  }

  Answer ask(std::string_view bytes, int ms = 5000) {
    say(bytes);
    return hear(ms, bytes.starts_with("HEAD "));
  }

 private:
  static constexpr ssize_t kNothing = -2;  // came in time

  ssize_t receive(char* to, std::size_t size, int ms) {
    if (tls_) {
      const ssize_t got = tls_->receive(to, size, ms);
      return got < 0 ? kNothing : got;
    }
    pollfd wait = {fd_, POLLIN, 0};
    if (::poll(&wait, 1, ms) <= 0) return kNothing;
    return ::recv(fd_, to, size, 0);
  }

  static void read_head(Answer& answer) {
    std::size_t at = answer.head.find("\r\n");
    if (answer.head.size() > 12) answer.status = std::stoi(answer.head.substr(9, 3));
    while (at + 2 < answer.head.size()) {
      const std::size_t end = answer.head.find("\r\n", at + 2);
      const std::string line = answer.head.substr(at + 2, end - at - 2);
      const std::size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      answer.headers[name] = colon == std::string::npos ? "" : line.substr(colon + 2);
      at = end;
    }
  }

  void hear_chunks(Answer& answer, int ms) {
    for (;;) {
      std::size_t end = 0;
      while ((end = in_.find("\r\n")) == std::string::npos) {
        if (!fill(ms)) return;
      }
      const std::size_t size = std::stoul(in_.substr(0, end), nullptr, 16);
      while (in_.size() < end + 2 + size + 2) {
        if (!fill(ms)) return;
      }
      answer.body += in_.substr(end + 2, size);
      in_.erase(0, end + 2 + size + 2);
      if (size == 0) {
        answer.whole = true;
        return;
      }
    }
  }

  int fd_ = -1;
  bool connected_ = false;
  std::string in_;
  std::unique_ptr<TestTls> tls_;
};

}  // namespace moonbeam::server
