#include "server/api/ollama/info.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <span>
#include <string>

#include "base/sha256.h"
#include "server/api/chat/members.h"
#include "server/api/error.h"
#include "server/api/json_out.h"
#include "server/api/ollama/names.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

// Some programs compare it as numbers.
constexpr const char* kVersion = "0.5.0-moonbeam";

void send(const std::shared_ptr<Exchange>& exchange, const JsonOut& body) {
  exchange->send({.body = json_text(body)});
}

std::string upper_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// "1.9B", "6.8M"
std::string parameter_size(std::int64_t count) {
  char out[32];
  const bool billions = count >= 1'000'000'000;
  std::snprintf(out, sizeof out, "%.1f%c", static_cast<double>(count) / (billions ? 1e9 : 1e6),
                billions ? 'B' : 'M');
  return out;
}

JsonOut details(const ModelInfo& info) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", "phi2"},
          {"families", {"phi2", "clip"}},
          {"parameter_size", parameter_size(info.parameters)},
          {"quantization_level", upper_case(info.dtype)}};
}

/// Of what makes the model another one; its bytes are not read for it.
std::string digest(const ModelInfo& info) {
  const std::string of = info.name + '\n' + info.variant + '\n' + info.dtype + '\n' + info.adapter + '\n' +
                         std::to_string(info.parameters) + '\n' + std::to_string(info.weight_bytes);
  return base::sha256_hex(std::as_bytes(std::span(of)));
}

std::string started(const Service& service) {
  return utc_text(std::chrono::system_clock::time_point(std::chrono::seconds(service.created())));
}

JsonOut entry(const Service& service, const std::string& name) {
  const ModelInfo& info = service.model().info();
  return {{"name", name},
          {"model", name},
          {"modified_at", started(service)},
          {"size", info.weight_bytes},
          {"digest", digest(info)},
          {"details", details(info)}};
}

/// An option of the model as a line of Ollama's `parameters`.
constexpr const char* kParameters =
    "temperature                    0\n"
    "stop                           \"<|endoftext|>\"\n"
    "stop                           \"Question:\"";

std::string asked_name(const Members& body) {
  auto name = body.string("model");
  if (!name) name = body.string("name");  // as it was called once
  if (!name || name->empty()) fail_missing("model");
  return std::string(*name);
}

}  // namespace

void ollama_version(const std::shared_ptr<Exchange>& exchange) {
  send(exchange, {{"version", kVersion}});
}

void ollama_tags(const Service& service, const std::shared_ptr<Exchange>& exchange) {
  JsonOut models = JsonOut::array({entry(service, std::string(kOllamaName) + ":latest")});
  const std::string& own = service.model().info().name;
  if (own != kOllamaName) models.push_back(entry(service, own + ":latest"));
  send(exchange, {{"models", std::move(models)}});
}

void ollama_ps(const Service& service, const std::shared_ptr<Exchange>& exchange) {
  const ModelInfo& info = service.model().info();
  JsonOut model = entry(service, std::string(kOllamaName) + ":latest");
  model.erase("modified_at");
  model["expires_at"] = "2318-01-01T00:00:00.000000+00:00";  // it stays: what Ollama writes there
  model["size_vram"] = 0;
  model["context_length"] = info.max_context;
  send(exchange, {{"models", JsonOut::array({std::move(model)})}});
}

void ollama_show(const Service& service, const std::shared_ptr<Exchange>& exchange) {
  const JsonBody body(exchange->request());
  match_ollama_model(service, asked_name(body.members()));
  const ModelInfo& info = service.model().info();
  send(exchange, {{"modelfile", "FROM " + info.name + "\n"},
                  {"parameters", kParameters},
                  {"template", "{{ .Prompt }}"},
                  {"details", details(info)},
                  {"model_info",
                   {{"general.architecture", "phi2"},
                    {"general.basename", info.name},
                    {"general.parameter_count", info.parameters},
                    {"phi2.context_length", info.max_context}}},
                  {"capabilities", {"completion", "vision"}},
                  {"modified_at", started(service)}});
}

void ollama_pull(const Service& service, const std::shared_ptr<Exchange>& exchange) {
  const JsonBody body(exchange->request());
  const Members members = body.members();
  const std::string name = asked_name(members);
  const bool stream = members.boolean("stream").value_or(true);
  if (!is_ollama_name(service, name))
    throw Refusal(404, "model_not_found",
                  "'" + printable(name, 64) + "' is not here, and nothing is downloaded for a request; '" +
                      service.model().info().name + "' is served",
                  "model");
  Response response{.body = json_text({{"status", "success"}})};
  if (stream) {
    response.content_type = "application/x-ndjson";
    response.body += '\n';
  }
  exchange->send(std::move(response));
}

}  // namespace moonbeam::server
