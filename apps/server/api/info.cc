#include "server/api/info.h"

#include <cmath>
#include <string>

#include <moonbeam/version.h>

#include "server/api/error.h"
#include "server/api/fields.h"
#include "server/api/json_out.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

constexpr std::size_t kMaxCounted = 1 << 20;

JsonOut model_json(const Service& service) {
  const ModelInfo& info = service.model().info();
  return {{"id", info.name},
          {"object", "model"},
          {"created", service.created()},
          {"owned_by", "moonbeam"},
          {"max_model_len", info.max_context}};
}

void send(const std::shared_ptr<Exchange>& exchange, const JsonOut& body) {
  exchange->send({.body = json_text(body)});
}

}  // namespace

void list_models(Service& service, const std::shared_ptr<Exchange>& exchange) {
  const ModelInfo& info = service.model().info();
  send(exchange, {{"object", "list"},
                  {"data", JsonOut::array({model_json(service)})},
                  {"models", JsonOut::array({{{"id", info.name},
                                              {"name", info.name},
                                              {"description", info.variant + ", " + info.dtype},
                                              {"version", version()}}})}});
}

void show_model(Service& service, const std::shared_ptr<Exchange>& exchange) {
  const std::string& path = exchange->request().path;
  const std::string_view asked = std::string_view(path).substr(path.rfind('/') + 1);
  if (!is_model(service, asked))
    throw Refusal(
        404, "model_not_found",
        "model '" + printable(asked, 64) + "' is not loaded; '" + service.model().info().name + "' is",
        "model");
  send(exchange, model_json(service));
}

void show_stats(Service& service, const std::shared_ptr<Exchange>& exchange) {
  const ModelInfo& info = service.model().info();
  const SchedulerStats stats = service.scheduler().stats();
  send(exchange, {{"status", "running"},
                  {"model", info.name},
                  {"workers", service.scheduler_options().parallel},
                  {"queue_size", stats.queued},
                  {"max_queue_size", service.scheduler_options().max_queue},
                  {"processing", stats.running},
                  {"timeouts", stats.timed_out},
                  {"default_timeout", rounded(service.options().timeout_seconds)},
                  {"requests_processed", stats.processed},
                  {"version", version()},
                  {"isa", info.isa},
                  {"threads", info.threads},
                  {"weights_dtype", info.dtype},
                  {"uptime_s", rounded(std::round(service.uptime_seconds() * 1000) / 1000)}});
}

void count_tokens(Service& service, const std::shared_ptr<Exchange>& exchange) {
  const Fields fields(exchange->request());
  const auto text = fields.string("text");
  if (!text) fail_missing("text");
  if (text->size() > kMaxCounted)
    fail_value("text", "at most " + std::to_string(kMaxCounted) + " bytes", std::to_string(text->size()));
  send(exchange, {{"token_count", service.model().encode(*text).size()}});
}

void show_openapi(Service& /*service*/, const std::shared_ptr<Exchange>& exchange) {
  exchange->send({.body = kOpenApi});
}

}  // namespace moonbeam::server
