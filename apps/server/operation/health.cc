// Routes of probes.
#include "server/operation/health.h"

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
  Route route = probe("/metrics", [metrics](const std::shared_ptr<Exchange>& exchange) {
    exchange->send({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics()});
  });
  route.open = metrics_open;
  router.add(std::move(route));
}

}  // namespace moonbeam::server
