// Handlers of a few lines: fields to a task, its result to JSON. The quirks of the clients that shape the
// streams are in docs/server.md.
#include "server/api/native.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "server/api/ask.h"
#include "server/api/error.h"
#include "server/api/event_stream.h"
#include "server/api/fields.h"
#include "server/api/info.h"
#include "server/api/options.h"
#include "server/api/result_json.h"

namespace moonbeam::server {

namespace {

using ExchangePtr = std::shared_ptr<Exchange>;
using StreamPtr = std::shared_ptr<EventStream>;

constexpr std::size_t kMaxQuestion = 8192, kMaxObject = 512;

/// What every answer and every last event ends with.
void add_ending(JsonOut& out, const std::string& request_id, const Account& account,
                const std::vector<std::string>& warnings) {
  out["request_id"] = request_id;
  out["finish_reason"] = account.finish;
  out["metrics"] = metrics_of(account);
  if (!warnings.empty()) out["warnings"] = warnings;
}

void answer_whole(Service& service, const ExchangePtr& exchange, Asked asked,
                  std::vector<std::string> warnings) {
  ask(service, exchange, std::move(asked), [exchange, warnings = std::move(warnings)](Answered answered) {
    const Request& request = exchange->request();
    if (answered.refusal) return exchange->send(error_response(*answered.refusal, request.path));
    JsonOut out = result_json(answered.outcome.result);
    add_ending(out, request.id, answered.account, warnings);
    exchange->send({.body = json_text(out)});
  });
}

JsonOut chunk(std::string_view text, bool completed, const std::string& request_id) {
  return {{"chunk", text}, {"completed", completed}, {"request_id", request_id}};
}

// The end of a stream: what there is to tell beside the pieces of text.
std::function<void(Answered)> end_of(StreamPtr stream, std::string request_id,
                                     std::vector<std::string> warnings) {
  return [stream = std::move(stream), id = std::move(request_id),
          warnings = std::move(warnings)](Answered answered) {
    if (answered.refusal) return stream->fail(*answered.refusal);
    JsonOut last = chunk("", true, id);
    add_ending(last, id, answered.account, warnings);
    stream->send(last);
    stream->finish();
  };
}

template <typename TextTask>
void answer_text(Service& service, const ExchangePtr& exchange, Asked asked, bool in_pieces,
                 std::vector<std::string> warnings) {
  if (!in_pieces) return answer_whole(service, exchange, std::move(asked), std::move(warnings));
  auto stream = std::make_shared<EventStream>(exchange);
  const std::string id = exchange->request().id;
  auto& options = std::get<TextTask>(asked.task).options;
  options.on_text = [stream, id](std::string_view text) {
    stream->send(chunk(text, false, id));
    return true;
  };
  if constexpr (std::is_same_v<TextTask, QueryTask>) {
    // Without `chunk`, which is what clients print.
    options.on_reasoned = [stream, id](const Reasoning& reasoning) {
      stream->send({{"reasoning", reasoning_json(reasoning)}, {"completed", false}, {"request_id", id}});
      return true;
    };
  }
  // Whoever is refused here gets a plain answer: nothing was begun.
  ask(service, exchange, std::move(asked), end_of(stream, id, std::move(warnings)));
  stream->begin();
}

std::vector<std::string> check_model(const Fields& fields, const Service& service) {
  return match_model(service, fields.string("model"), fields.string("variant"));
}

// Everything that is quick to check comes before the picture.
void caption(Service& service, const ExchangePtr& exchange) {
  const Fields fields(exchange->request());
  std::vector<std::string> warnings = check_model(fields, service);
  CaptionTask task;
  task.options.length = read_length(fields, service, warnings);
  read_text_options(fields, service, task.options);
  const bool in_pieces = fields.boolean("stream").value_or(false);
  Asked asked{.task = std::move(task), .timeout_seconds = read_timeout(fields)};
  asked.picture = required_picture(fields, service.options().pictures);
  answer_text<CaptionTask>(service, exchange, std::move(asked), in_pieces, std::move(warnings));
}

void query(Service& service, const ExchangePtr& exchange) {
  const Fields fields(exchange->request());
  std::vector<std::string> warnings = check_model(fields, service);
  QueryTask task{.question = fields.required_string("question", kMaxQuestion)};
  read_text_options(fields, service, task.options);
  task.options.reasoning = fields.boolean("reasoning").value_or(false);
  if (task.options.reasoning && !service.model().info().can_reason)
    throw Refusal(400, "unsupported_option", "reasoning: this model does not think before it answers",
                  "reasoning");
  task.options.spatial_refs = read_spatial_refs(fields);
  const bool in_pieces = fields.boolean("stream").value_or(false);
  Asked asked{.task = std::move(task), .timeout_seconds = read_timeout(fields)};
  asked.picture = read_picture(fields, service.options().pictures);
  answer_text<QueryTask>(service, exchange, std::move(asked), in_pieces, std::move(warnings));
}

template <typename ObjectTask>
void find_objects(Service& service, const ExchangePtr& exchange) {
  const Fields fields(exchange->request());
  std::vector<std::string> warnings = check_model(fields, service);
  ObjectTask task{fields.required_string("object", kMaxObject), read_object_options(fields, service)};
  // Streaming is not of these tasks, but its value is checked as everywhere.
  fields.boolean("stream");
  if (!read_spatial_refs(fields).empty())
    throw Refusal(400, "unsupported_option", "spatial_refs: this model takes them with questions only",
                  "spatial_refs");
  Asked asked{.task = std::move(task), .timeout_seconds = read_timeout(fields)};
  asked.picture = required_picture(fields, service.options().pictures);
  answer_whole(service, exchange, std::move(asked), std::move(warnings));
}

void segment(Service& service, const ExchangePtr& exchange) {
  static_cast<void>(exchange);
  throw Refusal(501, "unsupported_task",
                service.model().info().name + " cannot segment: it has no head for it");
}

}  // namespace

std::vector<Route> native_routes(Service& service) {
  std::vector<Route> out;
  const auto add = [&](const char* method, const char* path, const char* task, auto handler) {
    for (const char* prefix : {"/v1", ""}) {
      out.push_back({.method = method,
                     .path = std::string(prefix) + path,
                     .handler = [&service, task, handler](const ExchangePtr& exchange) {
                       or_refuse(exchange, task, [&] { handler(service, exchange); });
                     }});
    }
  };
  add("POST", "/caption", "caption", caption);
  add("POST", "/query", "query", query);
  add("POST", "/detect", "detect", find_objects<DetectTask>);
  add("POST", "/point", "point", find_objects<PointTask>);
  add("POST", "/segment", "", segment);
  add("POST", "/count_tokens", "", count_tokens);
  add("GET", "/models", "", list_models);
  add("GET", "/models/{...}", "", show_model);
  add("GET", "/stats", "", show_stats);
  out.push_back({.method = "GET",
                 .path = "/openapi.json",
                 .handler = [&service](const ExchangePtr& exchange) { show_openapi(service, exchange); },
                 .quick = true});
  return out;
}

}  // namespace moonbeam::server
