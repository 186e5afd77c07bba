#include "server/api/ollama/request.h"

#include <algorithm>
#include <charconv>

#include "server/api/error.h"
#include "server/api/ollama/names.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

using Kind = JsonIn::Kind;

constexpr std::size_t kMaxStops = 32;

/// As Ollama's own `moondream` has it.
constexpr double kTemperature = 0;
const std::vector<std::string>& default_stops() {
  static const std::vector<std::string> stops = {"<|endoftext|>", "Question:"};
  return stops;
}

/// Whether `keep_alive` is 0, "0", "0s", ...: the model may go.
bool lets_go(const Members& body) {
  const JsonIn* value = body.find("keep_alive");
  if (value == nullptr) return false;
  if (value->is(Kind::kNumber)) return value->number == 0;
  if (!value->is(Kind::kString)) body.fail("keep_alive", "seconds, or text such as \"5m\"");
  double seconds = 1;
  const std::string_view text = value->text;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return seconds == 0;
}

int read_num_predict(const Members& options, const Service& service) {
  const int context = service.model().info().max_context;
  const auto count = options.count("num_predict", -2, context);
  if (!count) return std::min(service.options().max_tokens, context);
  if (*count == 0) options.fail("num_predict", "at least 1, or -1 for as many as there is room for");
  return *count < 0 ? context : *count;
}

void read_format(const Members& body, QueryOptions& out) {
  const JsonIn* format = body.find("format");
  if (format == nullptr || (format->is(Kind::kString) && format->text.empty())) return;
  if (format->is(Kind::kObject)) {
    out.schema = schema_of(*format, "format");
  } else if (format->is(Kind::kString) && format->text == "json") {
    out.schema = ResponseSchema::json_object();
  } else {
    body.fail("format", "\"json\" or a schema");
  }
}

/// Some programs send a level in place of a yes.
bool wants_thoughts(const Members& body, const Service& service) {
  const JsonIn* think = body.find("think");
  if (think == nullptr) return false;
  if (!think->is(Kind::kBool) && !think->is(Kind::kString)) body.fail("think", "true or false");
  return service.model().info().can_reason && (think->is(Kind::kString) || think->boolean);
}

Wish read_wish(const Members& body, const Service& service, std::string field,
               std::vector<std::string>& warnings) {
  static const JsonIn kNone{.kind = Kind::kObject};
  const Members options = body.object("options").value_or(Members(kNone, "options."));
  const int most = service.model().info().max_context;
  Wish out{.skill = read_skill(options, service, warnings),
           .context = options.count("num_ctx", 1, most).value_or(most),
           .field = std::move(field)};
  read_sampling(options, service, kTemperature, out.options.sampling);
  out.options.max_tokens = read_num_predict(options, service);
  out.options.stop = options.find("stop") == nullptr ? default_stops() : read_stop(options, kMaxStops);
  out.options.reasoning = wants_thoughts(body, service);
  read_format(body, out.options);
  // What is JSON to its end needs no other.
  if (out.options.schema) out.options.stop.clear();
  return out;
}

OllamaRequest read_common(const Members& body, const Service& service) {
  OllamaRequest out;
  out.model = printable(body.string("model").value_or(""), 256);
  match_ollama_model(service, out.model);
  if (out.model.empty()) out.model = service.model().info().name;
  out.stream = body.boolean("stream").value_or(true);
  return out;
}

}  // namespace

OllamaRequest read_generate(const Members& body, const Service& service) {
  OllamaRequest out = read_common(body, service);
  const bool unload = lets_go(body);
  body.boolean("raw");
  Wish wish = read_wish(body, service, "prompt", out.warnings);
  std::vector<Turn> turns;
  if (const auto system = body.string("system"))
    turns.push_back({Role::kSystem, std::string(trim(*system)), {}});
  turns.push_back({Role::kUser, std::string(trim(body.string("prompt").value_or(""))), read_images(body)});
  const bool nothing = turns.back().text.empty() && turns.back().pictures.empty();
  if (nothing && wish.skill.kind == Skill::Kind::kChat) {
    out.unload = unload;
    return out;
  }
  out.asked = asked_of(std::move(turns), std::move(wish), service, out.warnings);
  return out;
}

OllamaRequest read_chat(const Members& body, const Service& service) {
  OllamaRequest out = read_common(body, service);
  const bool unload = lets_go(body);
  const JsonIn* tools = body.array("tools");
  if (tools != nullptr && !tools->items.empty())
    throw Refusal(400, "unsupported_option", out.model + " does not support tools", "tools");
  Wish wish = read_wish(body, service, "messages", out.warnings);
  const JsonIn* messages = body.array("messages");
  if (messages == nullptr || messages->items.empty()) {
    out.unload = unload;
    return out;
  }
  std::vector<Turn> turns = read_ollama_messages(*messages, out.warnings);
  out.asked = asked_of(std::move(turns), std::move(wish), service, out.warnings);
  return out;
}

}  // namespace moonbeam::server
