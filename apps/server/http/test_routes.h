// A server with routes for the tests of the transport.
#pragma once

#include <moonbeam/error.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/http/refusal.h"
#include "server/http/server.h"
#include "server/http/test_client.h"

namespace moonbeam::server {

using namespace std::chrono_literals;

inline Route route(std::string method, std::string path, Handler handler) {
  return {.method = std::move(method), .path = std::move(path), .handler = std::move(handler)};
}

/// Routes that the tests ask for.
class Running {
 public:
  explicit Running(ServerOptions options = {}, Router router = {}) {
    options.listen = {"127.0.0.1:0"};
    options.inherit = false;
    options.tls = tls_of_tests();
    options.on_finished = [this](const Finished& finished) {
      const std::lock_guard lock(mutex);
      log.push_back(std::to_string(finished.status) + " " + finished.request.path + " " + finished.code);
    };
    router.add(route("POST", "/echo", [](auto exchange) {
      exchange->send({.content_type = "text/plain", .body = exchange->request().body});
    }));
    router.add(route("GET", "/hello", [](auto exchange) { exchange->send({.body = "\"hello\""}); }));
    router.add(route("GET", "/stream", [this](auto exchange) {
      exchange->start({.content_type = "text/event-stream", .body = "first;"}, ": ping\n\n");
      exchange->on_gone([this] { ++gone; });
      const std::lock_guard lock(mutex);
      held.push_back(exchange);
    }));
    router.add(route("GET", "/hold", [this](auto exchange) {
      exchange->on_gone([this] { ++gone; });
      const std::lock_guard lock(mutex);
      held.push_back(exchange);
    }));
    router.add(route("GET", "/forget", [](auto) {}));
    router.add(
        route("GET", "/throw", [](auto) { throw Refusal(404, "model_not_found", "no 'x'", "model"); }));
    router.add(route("GET", "/bug", [](auto) { throw std::runtime_error("secret"); }));
    router.add(route("GET", "/api/throw", [](auto) { throw Error(ErrorCode::kInvalidArgument, "a\u00e9"); }));
    server.emplace(std::move(options));
    server->start(std::move(router));
    port = server->listeners()[0].port;
  }
  ~Running() { server.reset(); }

  TestClient client() const { return TestClient(port); }
  std::shared_ptr<Exchange> take() {
    for (int i = 0; i < 500; ++i) {
      {
        const std::lock_guard lock(mutex);
        if (!held.empty()) {
          auto exchange = held.back();
          held.pop_back();
          return exchange;
        }
      }
      std::this_thread::sleep_for(10ms);
    }
    return nullptr;
  }
  template <typename Condition>
  static bool within(std::chrono::milliseconds most, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  std::vector<std::string> logged() {
    const std::lock_guard lock(mutex);
    return log;
  }

  std::mutex mutex;
  std::vector<std::shared_ptr<Exchange>> held;
  std::vector<std::string> log;
  std::atomic<int> gone{0};
  std::optional<Server> server;
  std::uint16_t port = 0;
};

inline std::string get(const std::string& path, const std::string& more = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

}  // namespace moonbeam::server
