// R7: with a key set, every route that is registered wants it, save those that say they are open.
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "live/page/page.h"
#include "server/api/native.h"
#include "server/api/ollama/routes.h"
#include "server/api/openai/chat_completions.h"
#include "server/api/service.h"
#include "server/http/server.h"
#include "server/operation/health.h"
#include "tests/serve/serving.h"

namespace moonbeam::test {
namespace {

using namespace server;

TEST(Routes, AllWantTheKeyButTheProbesAndThePage) {
  Service service;  // without a model: who is refused does not get as far
  const std::atomic<Stage> stage = Stage::kReady;
  Router router;
  add_health_routes(
      router, stage, [] { return true; }, [] { return std::string(); }, false);
  add_native_routes(router, service);
  add_openai_routes(router, service);
  add_ollama_routes(router, service);
  live::Page page;
  page.add_routes(router);
  const std::vector<Route> routes = router.routes();

  ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  options.inherit = false;
  options.keys = {make_key("ann", "secret")};
  Server server(std::move(options));
  server.start(router);
  const std::uint16_t port = server.listeners()[0].port;
  const auto status = [&](const Route& route, const std::string& header) {
    std::string path = route.path;
    if (path.ends_with("{...}")) path.replace(path.size() - 5, 5, "x");
    return TestClient(port)
        .ask(route.method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header +
             "Content-Length: 0\r\n\r\n")
        .status;
  };
  std::set<std::string> open;
  for (const Route& route : routes) {
    if (route.open) {
      open.insert(route.path);
      continue;
    }
    const std::string name = route.method + " " + route.path;
    EXPECT_EQ(status(route, ""), 401) << name;
    EXPECT_EQ(status(route, "Authorization: Bearer wrong\r\n"), 401) << name;
    EXPECT_EQ(status(route, "X-Moondream-Auth: \r\n"), 401) << name;
  }
  // What browsers ask for without a key: files, and what a session that has greeted with one reaches.
  EXPECT_EQ(open, (std::set<std::string>{"/", "/health", "/live", "/live.css", "/live.js",
                                         "/live/preview.mjpg", "/live/ws", "/ready"}));
  EXPECT_EQ(TestClient(port).ask(get("/no-such-route")).status, 401)
      << "what there is, is told to those with a key";
  EXPECT_EQ(TestClient(port).ask(get("/no-such-route", "X-Moondream-Auth: secret\r\n")).status, 404);
}

}  // namespace
}  // namespace moonbeam::test
