// Ollama's names, and times as its answers write them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "server/api/service.h"

namespace moonbeam::server {

/// What programs made for Ollama know the model by.
inline constexpr std::string_view kOllamaName = "moondream";

/// "moondream", the loaded model's own names, each with a tag (":latest", ":1.8b") or without.
bool is_ollama_name(const Service& service, std::string_view name);

/// @throws Refusal 404 model_not_found, unless any model will do.
void match_ollama_model(const Service& service, std::string_view name);

/// "2026-01-01T00:00:00.123456Z"
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace moonbeam::server
