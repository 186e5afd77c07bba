// What the server tells about its model and itself.
#pragma once

#include <memory>

#include "server/api/service.h"
#include "server/http/exchange.h"

namespace moonbeam::server {

/// GET /v1/models: OpenAI's list and Station's in one object.
void list_models(Service& service, const std::shared_ptr<Exchange>& exchange);
/// GET /v1/models/ID. @throws Refusal 404 model_not_found.
void show_model(Service& service, const std::shared_ptr<Exchange>& exchange);
/// GET /v1/stats: Station's keys and ours.
void show_stats(Service& service, const std::shared_ptr<Exchange>& exchange);
/// POST /v1/count_tokens {"text"}.
void count_tokens(Service& service, const std::shared_ptr<Exchange>& exchange);

/// GET /openapi.json: an OpenAPI 3.1 description of the routes (openapi.json beside this file).
void show_openapi(Service& service, const std::shared_ptr<Exchange>& exchange);
extern const char* const kOpenApi;

}  // namespace moonbeam::server
