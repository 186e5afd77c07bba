// Routes of probes.
#include "server/operation/health.h"

#include <chrono>
#include <memory>

namespace moonbeam::server {

namespace {

Response status(int number, const std::string& body) {
  Response response{.status = number, .body = body};
  response.headers.add("Cache-Control", "no-store");
  if (number == 503) response.headers.add("Retry-After", "1");
  return response;
}

Route probe(std::string path, Handler handler) {
  return {
      .method = "GET", .path = std::move(path), .handler = std::move(handler), .open = true, .quick = true};
}

}  // namespace

void add_health_routes(Router& router, const std::atomic<Stage>& stage, std::function<bool()> has_room,
                       std::function<std::string()> metrics, bool metrics_open) {
  router.add(probe("/health", [&stage](const std::shared_ptr<Exchange>& exchange) {
    const bool loading = stage == Stage::kLoading;
    exchange->send(loading ? status(503, R"({"status":"loading","server":"moonbeam"})")
                           : status(200, R"({"status":"ok","server":"moonbeam"})"));
  }));
  router.add(probe("/ready", [&stage, has_room](const std::shared_ptr<Exchange>& exchange) {
    const Stage now = stage;
    if (now == Stage::kLoading) return exchange->send(status(503, R"({"status":"loading"})"));
    if (now == Stage::kDraining) return exchange->send(status(503, R"({"status":"draining"})"));
    if (!has_room()) return exchange->send(status(503, R"({"status":"busy"})"));
    exchange->send(status(200, R"({"status":"ready"})"));
  }));
  // Counting what is open takes longer than all else that this thread does for a request: many who ask at
  // once get the same text.
  struct Made {
    std::chrono::steady_clock::time_point at;
    std::string text = {};
  };
  const auto made = std::make_shared<Made>();
  Route route = probe("/metrics", [metrics, made](const std::shared_ptr<Exchange>& exchange) {
    const auto now = std::chrono::steady_clock::now();
    if (made->text.empty() || now - made->at > std::chrono::milliseconds(100)) *made = {now, metrics()};
    exchange->send({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = made->text});
  });
  route.open = metrics_open;
  router.add(std::move(route));
}

}  // namespace moonbeam::server
