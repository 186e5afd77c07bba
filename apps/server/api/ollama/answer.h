// Answers of /api/generate and /api/chat, whole or in lines.
#pragma once

#include <memory>

#include "server/api/ollama/request.h"
#include "server/api/service.h"
#include "server/http/exchange.h"

namespace moonbeam::server {

/// Which of the two: they differ in where the text stands.
enum class OllamaForm { kGenerate, kChat };

void answer_ollama(Service& service, const std::shared_ptr<Exchange>& exchange, OllamaForm form,
                   OllamaRequest wanted);

}  // namespace moonbeam::server
