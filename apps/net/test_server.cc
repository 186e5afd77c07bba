#include "net/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace moonbeam::net::testing {

namespace {

constexpr int kTurnMs = 20;

/// Waits for bytes; false once the server ends.
bool readable(int fd, const std::atomic<bool>& stop) {
  while (!stop) {
    pollfd request{fd, POLLIN, 0};
    if (::poll(&request, 1, kTurnMs) > 0) return true;
  }
  return false;
}

bool receive(int fd, const std::atomic<bool>& stop, std::string& text) {
  char buffer[1 << 16];
  if (!readable(fd, stop)) return false;
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  text.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

bool read_request(int fd, const std::atomic<bool>& stop, Received& request) {
  std::string text;
  std::size_t end;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(fd, stop, text)) return false;
  }
  const std::string head = text.substr(0, end + 2);
  const std::size_t first = head.find("\r\n"), space = head.find(' ');
  request.method = head.substr(0, space);
  request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  for (std::size_t at = first + 2; at < head.size();) {
    const std::size_t next = head.find("\r\n", at), colon = head.find(':', at);
    std::size_t value = colon + 1;
    while (head[value] == ' ') ++value;
    request.headers[lower(head.substr(at, colon - at))] = head.substr(value, next - value);
    at = next + 2;
  }
  request.body = text.substr(end + 4);
  const std::size_t length = std::strtoull(request.header("content-length").c_str(), nullptr, 10);
  while (request.body.size() < length) {
    if (!receive(fd, stop, request.body)) return false;
  }
  return true;
}

}  // namespace

std::string Received::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

bool Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (stop_) return false;
    pollfd request{fd_, POLLOUT, 0};
    if (::poll(&request, 1, kTurnMs) == 0) continue;
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Connection::answer(int status, std::string_view body, std::string_view headers) {
  return send("HTTP/1.1 " + std::to_string(status) + " Text\r\nConnection: close\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body));
}

void Connection::hang() {
  std::string ignored;
  while (receive(fd_, stop_, ignored)) {
  }
}

void Connection::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

TestServer::TestServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("no port for a test server");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { accept_all(); });
}

TestServer::~TestServer() {
  stop_ = true;
  thread_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

void TestServer::accept_all() {
  while (readable(listener_, stop_)) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) connections_.emplace_back([this, fd] { serve(fd); });
  }
}

void TestServer::serve(int fd) {
  Received request;
  if (read_request(fd, stop_, request)) {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    Connection connection(fd, stop_);
    handler_(request, connection);
  }
  ::close(fd);
}

std::vector<Received> TestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TestServer::forget_requests() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

void serve_bytes(const Received& request, Connection& connection, std::string_view bytes,
                 const std::string& etag) {
  std::string headers = etag.empty() ? "" : "ETag: " + etag + "\r\n";
  const std::string range = request.header("range"), condition = request.header("if-range");
  const std::size_t from =
      range.starts_with("bytes=") ? std::strtoull(range.c_str() + 6, nullptr, 10) : std::size_t{0};
  if (range.empty() || (!condition.empty() && condition != etag)) {
    connection.answer(200, bytes, headers);
  } else if (from >= bytes.size()) {
    connection.answer(416, "", headers + "Content-Range: bytes */" + std::to_string(bytes.size()) + "\r\n");
  } else {
    headers += "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(bytes.size() - 1) + "/" +
               std::to_string(bytes.size()) + "\r\n";
    connection.answer(206, bytes.substr(from), headers);
  }
}

}  // namespace moonbeam::net::testing
