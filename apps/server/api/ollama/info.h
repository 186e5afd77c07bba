// What Ollama's routes tell about the model.
#pragma once

#include <memory>

#include "server/api/service.h"
#include "server/http/exchange.h"

namespace moonbeam::server {

/// GET /api/version.
void ollama_version(const std::shared_ptr<Exchange>& exchange);
/// GET /api/tags: the model under the name that programs know, and under its own.
void ollama_tags(const Service& service, const std::shared_ptr<Exchange>& exchange);
/// GET /api/ps.
void ollama_ps(const Service& service, const std::shared_ptr<Exchange>& exchange);
/// POST /api/show. @throws Refusal 400, 404.
void ollama_show(const Service& service, const std::shared_ptr<Exchange>& exchange);
/// POST /api/pull: nothing is ever downloaded for somebody who asks. @throws Refusal 400, 404.
void ollama_pull(const Service& service, const std::shared_ptr<Exchange>& exchange);

}  // namespace moonbeam::server
