#include "server/api/ollama/routes.h"

#include <memory>
#include <string>

#include "server/api/ask.h"
#include "server/api/ollama/answer.h"
#include "server/api/ollama/info.h"
#include "server/api/ollama/request.h"

namespace moonbeam::server {

namespace {

using ExchangePtr = std::shared_ptr<Exchange>;

void generate(Service& service, const ExchangePtr& exchange) {
  const JsonBody body(exchange->request());
  answer_ollama(service, exchange, OllamaForm::kGenerate, read_generate(body.members(), service));
}

void chat(Service& service, const ExchangePtr& exchange) {
  const JsonBody body(exchange->request());
  answer_ollama(service, exchange, OllamaForm::kChat, read_chat(body.members(), service));
}

void not_supported(const Service& /*service*/, const ExchangePtr& /*exchange*/) {
  throw Refusal(501, "unsupported_task", "not supported by moonbeam");
}

}  // namespace

std::vector<Route> ollama_routes(Service& service) {
  std::vector<Route> out;
  const auto add = [&](const char* method, const char* path, auto handler) {
    out.push_back(
        {.method = method, .path = path, .handler = [&service, handler](const ExchangePtr& exchange) {
           or_refuse(exchange, "", [&] { handler(service, exchange); });
         }});
  };
  add("POST", "/api/generate", generate);
  add("POST", "/api/chat", chat);
  add("GET", "/api/tags", ollama_tags);
  add("GET", "/api/ps", ollama_ps);
  add("POST", "/api/show", ollama_show);
  add("POST", "/api/pull", ollama_pull);
  for (const char* path : {"/api/create", "/api/copy", "/api/push", "/api/embed", "/api/embeddings"})
    add("POST", path, not_supported);
  add("DELETE", "/api/delete", not_supported);
  out.push_back({.method = "GET", .path = "/api/version", .handler = ollama_version, .quick = true});
  return out;
}

}  // namespace moonbeam::server
