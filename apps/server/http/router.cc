// Finding the route of a request.
#include "server/http/router.h"

#include <algorithm>

namespace moonbeam::server {

namespace {

constexpr std::string_view kRest = "/{...}";

/// Whether `path` is of `route`; `rest` becomes its last segment.
bool belongs(const Route& route, std::string_view path, std::string& rest) {
  if (!route.path.ends_with(kRest)) return route.path == path;
  const std::string_view before =
      std::string_view(route.path).substr(0, route.path.size() - kRest.size() + 1);
  if (path.size() <= before.size() || !path.starts_with(before)) return false;
  rest = path.substr(before.size());
  return rest.find('/') == std::string::npos;
}

bool answers(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

}  // namespace

void Router::add(Route route) {
  routes_.push_back(std::move(route));
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  std::vector<std::string> methods;
  const auto allow = [&](const std::string& name) {
    if (std::find(methods.begin(), methods.end(), name) == methods.end()) methods.push_back(name);
  };
  const Route* by_pattern = nullptr;
  std::string rest_of_pattern;
  for (const Route& route : routes_) {
    std::string rest;
    if (!belongs(route, path, rest)) continue;
    if (answers(route, method)) {
      if (rest.empty()) {  // an exact path comes first
        match.route = &route;
        match.allow.clear();
        return match;
      }
      if (by_pattern == nullptr) by_pattern = &route, rest_of_pattern = rest;
    }
    allow(route.method);
    if (route.method == "GET") allow("HEAD");
  }
  if (by_pattern != nullptr) {
    match.route = by_pattern;
    match.rest = rest_of_pattern;
    return match;
  }
  if (!methods.empty()) allow("OPTIONS");
  for (const std::string& method_name : methods)
    match.allow += (match.allow.empty() ? "" : ", ") + method_name;
  return match;
}

}  // namespace moonbeam::server
