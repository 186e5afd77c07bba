#include "live/page/files.h"

#include <string>
#include <string_view>
#include <utility>

#include "live/page/assets.h"

namespace moonbeam::live {

namespace {

// Everything comes from here; pictures may also be the page's own.
constexpr const char* kContentPolicy =
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void send_file(server::Exchange& exchange, std::string_view name, const char* type) {
  server::Response response{.content_type = type, .body = std::string(asset(name))};
  response.headers.add("Content-Security-Policy", kContentPolicy);
  response.headers.add("Permissions-Policy", "camera=(self)");
  response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.add("Cache-Control", "no-cache");
  exchange.send(std::move(response));
}

void send_page(server::Exchange& exchange) {
  send_file(exchange, "live.html", "text/html; charset=utf-8");
}

server::Route file(const char* path, server::Handler handler) {
  return {.method = "GET", .path = path, .handler = std::move(handler), .open = true, .quick = true};
}

}  // namespace

bool wants_page(const server::Request& request) noexcept {
  const std::string* accept = request.headers.find("Accept");
  return accept != nullptr && accept->find("text/html") != std::string::npos;
}

void add_file_routes(server::Router& router, server::Handler plain_root) {
  router.add(file("/", [plain_root = std::move(plain_root)](std::shared_ptr<server::Exchange> exchange) {
    wants_page(exchange->request()) ? send_page(*exchange) : plain_root(exchange);
  }));
  router.add(file("/live", [](std::shared_ptr<server::Exchange> exchange) { send_page(*exchange); }));
  router.add(file("/live.js", [](std::shared_ptr<server::Exchange> exchange) {
    send_file(*exchange, "live.js", "text/javascript; charset=utf-8");
  }));
  router.add(file("/live.css", [](std::shared_ptr<server::Exchange> exchange) {
    send_file(*exchange, "live.css", "text/css; charset=utf-8");
  }));
}

}  // namespace moonbeam::live
