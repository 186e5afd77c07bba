// /openapi.json names the chat routes; what they answer is compared with it by tests/clients/openapi.py.
#include <gtest/gtest.h>

#include "server/api/chat/testing.h"
#include "server/api/native.h"
#include "server/api/ollama/routes.h"
#include "server/api/openai/chat_completions.h"

namespace moonbeam::server {
namespace {

TEST(Described, EveryChatRouteIs) {
  Service service;
  service.open(testing::starter());
  Router router;
  add_native_routes(router, service);
  const testing::json described =
      testing::call(router, testing::request_of("GET", "/openapi.json"))->ended().body()["paths"];
  std::vector<Route> routes = openai_routes(service);
  for (Route& route : ollama_routes(service)) routes.push_back(std::move(route));
  EXPECT_GT(routes.size(), 15u);
  for (const Route& route : routes) {
    std::string path = route.path, method = route.method;
    if (path == "/chat/completions") continue;  // the same without /v1
    if (path.ends_with("/{...}")) path.replace(path.size() - 5, 5, "{id}");
    for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
    ASSERT_TRUE(described.contains(path)) << path;
    EXPECT_TRUE(described[path].contains(method)) << method << " " << path;
  }
}

}  // namespace
}  // namespace moonbeam::server
