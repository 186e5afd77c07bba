// Many connections that misbehave, held by one thread.
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/http/test_client.h"
#include "tests/serve/serving.h"

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

  /// A byte of one of them.
  void drip(std::size_t which) {
    server::TestClient& client = clients_[which];
    bool alive = true;
    if (kind_ == Kind::kSlowHead) alive = client.say("x");
    if (kind_ == Kind::kSlowBody) alive = client.say(" ");
    if (kind_ == Kind::kSlowReader) {
      char byte = 0;
      alive = ::recv(client.fd(), &byte, 1, MSG_DONTWAIT) != 0;
    }
    if (alive) return;
    client = come();
    ++returned_;
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

/// Each of the crowds' clients moves twice a second, on a thread. Slow clients know nothing of each other, so
/// their bytes are spread over the time. In step they are a thread that holds a core for as long as it takes
/// to say thousands of bytes. Either way it takes only the time that server and normal client leave: on
/// machines of their own, which slow clients have, they would take none.
class Dripping {
 public:
  Dripping(std::vector<Crowd*> crowds, bool in_step) : crowds_(std::move(crowds)) {
    for (Crowd* crowd : crowds_) {
      for (std::size_t i = 0; i < crowd->clients().size(); ++i) all_.push_back({crowd, i});
    }
    thread_ = std::thread([this, in_step] { run(in_step); });
  }
  ~Dripping() {
    over_ = true;
    thread_.join();
  }
  /// The share of its moves so far that it came to make.
  double moved() const {
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begun_;
    return static_cast<double>(moves_) / (time / kPeriod * static_cast<double>(all_.size()));
  }
  Dripping(const Dripping&) = delete;
  Dripping& operator=(const Dripping&) = delete;

 private:
  /// This thread takes what others leave, as if it ran on another machine. Beside other tests that is
  /// nothing: there it has a little.
  static void give_way() {
    const sched_param none = {};
    if (full_counts())
      ::sched_setscheduler(0, SCHED_IDLE, &none);
    else
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 19);
  }
  void run(bool in_step) {
    using Clock = std::chrono::steady_clock;
    give_way();
    const std::size_t turns = in_step ? 1 : static_cast<std::size_t>(kPeriod.count());
    auto next = Clock::now();
    while (!over_) {
      for (std::size_t turn = 0; turn < turns && !over_; ++turn) {
        for (std::size_t i = turn; i < all_.size(); i += turns) all_[i].first->drip(all_[i].second), ++moves_;
        next += kPeriod / turns;
        if (next < Clock::now()) next = Clock::now();
        std::this_thread::sleep_until(next);
      }
    }
  }

  static constexpr std::chrono::milliseconds kPeriod{500};
  std::vector<Crowd*> crowds_;
  std::vector<std::pair<Crowd*, std::size_t>> all_;
  std::atomic<bool> over_ = false;
  std::atomic<long> moves_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::thread thread_;
};

inline double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[std::min(at, values.size() - 1)];
}

}  // namespace moonbeam::test
