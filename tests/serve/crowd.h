// Many connections that misbehave, held by one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "server/http/test_client.h"

namespace moonbeam::test {

/// Clients that say a byte now and then and never come to an end, or never read what they asked for. Those
/// that the server has given up come again.
class Crowd {
 public:
  enum class Kind { kSlowHead, kSlowBody, kSlowReader };

  Crowd(std::uint16_t port, Kind kind, int size, std::string large_answer_request = {})
      : port_(port), kind_(kind), request_(std::move(large_answer_request)) {
    for (int i = 0; i < size; ++i) clients_.push_back(come());
  }

  /// One byte of each; call it about once a second.
  void drip() {
    for (server::TestClient& client : clients_) {
      bool alive = true;
      if (kind_ == Kind::kSlowHead) alive = client.say("x");
      if (kind_ == Kind::kSlowBody) alive = client.say(" ");
      if (kind_ == Kind::kSlowReader) {
        char byte = 0;
        alive = ::recv(client.fd(), &byte, 1, MSG_DONTWAIT) != 0;
      }
      if (!alive) {
        client = come();
        ++returned_;
      }
    }
  }
  int returned() const { return returned_; }
  std::vector<server::TestClient>& clients() { return clients_; }

 private:
  server::TestClient come() {
    server::TestClient client(port_);
    if (kind_ == Kind::kSlowHead) client.say("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    if (kind_ == Kind::kSlowBody)
      client.say("POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{");
    if (kind_ == Kind::kSlowReader) {
      const int small = 2048;
      ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
      client.say(request_);
    }
    return client;
  }

  std::uint16_t port_;
  Kind kind_;
  std::string request_;
  std::vector<server::TestClient> clients_;
  int returned_ = 0;
};

inline double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[std::min(at, values.size() - 1)];
}

}  // namespace moonbeam::test
