#include "server/api/openai/request.h"

#include <algorithm>

#include "server/api/error.h"
#include "server/api/text.h"

namespace moonbeam::server {

namespace {

using Kind = JsonIn::Kind;

constexpr std::size_t kMaxStops = 4;

[[noreturn]] void fail_unsupported(const std::string& field, const std::string& what) {
  throw Refusal(400, "unsupported_option", field + ": " + what, field);
}

void refuse_list(const Members& body, const char* name, const char* what) {
  const JsonIn* list = body.array(name);
  if (list != nullptr && !list->items.empty()) fail_unsupported(name, what);
}

void check_choice(const Members& body, const char* name) {
  const JsonIn* choice = body.find(name);
  if (choice == nullptr) return;
  if (!choice->is(Kind::kString) && !choice->is(Kind::kObject)) body.fail(name, "\"none\" or \"auto\"");
  if (choice->is(Kind::kString) && (choice->text == "none" || choice->text == "auto")) return;
  if (choice->is(Kind::kString) && choice->text != "required") body.fail(name, "\"none\" or \"auto\"");
  fail_unsupported(name, "this model calls no tools");
}

/// What would change the answer and cannot be had.
void refuse_unsupported(const Members& body) {
  if (body.count("n", 1, 1 << 20).value_or(1) > 1) fail_unsupported("n", "one answer at a time");
  if (body.boolean("logprobs").value_or(false) || body.count("top_logprobs", 0, 1 << 20).value_or(0) > 0)
    fail_unsupported(body.boolean("logprobs").value_or(false) ? "logprobs" : "top_logprobs",
                     "probabilities of tokens are not told");
  refuse_list(body, "tools", "this model calls no tools");
  refuse_list(body, "functions", "this model calls no tools");
  check_choice(body, "tool_choice");
  check_choice(body, "function_call");
  if (body.find("audio") != nullptr) fail_unsupported("audio", "this model does not speak");
}

void read_response_format(const Members& body, QueryOptions& out) {
  const auto format = body.object("response_format");
  if (!format) return;
  const auto type = format->string("type");
  if (!type) fail_missing("response_format.type");
  if (*type == "text") return;
  if (*type == "json_object") {
    out.schema = ResponseSchema::json_object();
  } else if (*type == "json_schema") {
    const auto inner = format->object("json_schema");
    if (!inner) fail_missing("response_format.json_schema");
    const JsonIn* schema = inner->find("schema");
    if (schema == nullptr) fail_missing("response_format.json_schema.schema");
    out.schema = schema_of(*schema, "response_format.json_schema.schema");
  } else {
    format->fail("type", "\"text\", \"json_object\" or \"json_schema\"");
  }
}

QueryOptions read_options(const Members& body, const Service& service, std::vector<std::string>& warnings) {
  QueryOptions out;
  read_sampling(body, service, service.options().temperature, out.sampling);
  const int context = service.model().info().max_context;
  const auto old_name = body.count("max_tokens", 1, context);
  out.max_tokens = body.count("max_completion_tokens", 1, context)
                       .value_or(old_name.value_or(std::min(service.options().max_tokens, context)));
  out.stop = read_stop(body, kMaxStops);
  out.reasoning = body.boolean("reasoning").value_or(false);
  if (out.reasoning && !service.model().info().can_reason)
    fail_unsupported("reasoning", "this model does not think before it answers");
  read_response_format(body, out);
  if (out.schema && !out.stop.empty()) {
    warnings.push_back("stop: without effect where response_format asks for JSON");
    out.stop.clear();
  }
  return out;
}

}  // namespace

ChatCompletion read_chat_completion(const Members& body, const Service& service) {
  ChatCompletion out;
  out.warnings = match_model(service, body.string("model"), std::nullopt);
  refuse_unsupported(body);
  Wish wish{.skill = read_skill(body, service, out.warnings),
            .options = read_options(body, service, out.warnings),
            .context = service.model().info().max_context,
            .timeout_seconds = body.number("timeout")};
  if (wish.timeout_seconds && !(*wish.timeout_seconds > 0)) body.fail("timeout", "more than 0 seconds");
  out.stream = body.boolean("stream").value_or(false);
  if (const auto options = body.object("stream_options"))
    out.stream_usage = options->boolean("include_usage").value_or(false);
  const JsonIn* messages = body.array("messages");
  if (messages == nullptr) fail_missing("messages");
  std::vector<Turn> turns = read_openai_messages(*messages, out.warnings);
  out.asked = asked_of(std::move(turns), std::move(wish), service, out.warnings);
  return out;
}

}  // namespace moonbeam::server
