#include "server/api/openai/chat_completions.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "server/api/event_stream.h"
#include "server/api/openai/request.h"
#include "server/api/result_json.h"

namespace moonbeam::server {

namespace {

using ExchangePtr = std::shared_ptr<Exchange>;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

JsonOut usage_json(const Account& account) {
  return {{"prompt_tokens", account.prompt_tokens},
          {"completion_tokens", account.output_tokens},
          {"total_tokens", account.prompt_tokens + account.output_tokens}};
}

/// What all chunks of an answer, and a whole one, have in common.
struct Completion {
  std::string id, model;
  std::int64_t created;
  std::vector<std::string> warnings;

  JsonOut begin(const char* object) const {
    return {{"id", id}, {"object", object}, {"created", created}, {"model", model}};
  }
  JsonOut chunk(JsonOut delta, JsonOut finish_reason = nullptr) const {
    JsonOut out = begin("chat.completion.chunk");
    out["choices"] = JsonOut::array(
        {{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}}});
    return out;
  }
  void add_warnings(JsonOut& out, const Answered& answered) const {
    JsonOut all = warnings;
    if (is_text(answered.outcome.result) && content_of(answered.outcome.result).empty())
      all.push_back("the model's answer is empty");
    if (!all.empty()) out["warnings"] = std::move(all);
  }
};

void add_reasoning(JsonOut& message, const Answered& answered, bool with_text) {
  const Reasoning* reasoning = reasoning_of(answered.outcome.result);
  if (reasoning == nullptr) return;
  if (with_text) message["reasoning"] = reasoning->text;
  message["reasoning_details"] = {{"grounding", grounding_json(*reasoning)}};
}

void answer_whole(Service& service, const ExchangePtr& exchange, Completion completion, Asked asked) {
  ask(service, exchange, std::move(asked), [exchange, completion](const Answered& answered) {
    if (answered.refusal) return exchange->send(error_response(*answered.refusal, exchange->request().path));
    JsonOut message = {{"role", "assistant"}, {"content", content_of(answered.outcome.result)}};
    add_reasoning(message, answered, true);
    JsonOut out = completion.begin("chat.completion");
    out["choices"] = JsonOut::array({{{"index", 0},
                                      {"message", std::move(message)},
                                      {"logprobs", nullptr},
                                      {"finish_reason", answered.account.finish}}});
    out["usage"] = usage_json(answered.account);
    completion.add_warnings(out, answered);
    exchange->send({.body = json_text(out)});
  });
}

/// The first chunk says who speaks; it comes with the first word, or before it if that takes its time.
class ChunkStream {
 public:
  ChunkStream(const ExchangePtr& exchange, Completion completion, bool usage)
      : stream_(exchange), completion_(std::move(completion)), usage_(usage) {}

  /// The head, while the request waits.
  void begin() { stream_.begin(); }
  void send(const char* member, std::string_view text) {
    say_role();
    stream_.send(completion_.chunk({{member, text}}));
  }
  void end(const Answered& answered) {
    if (answered.refusal) return stream_.fail(*answered.refusal);
    say_role();
    if (!is_text(answered.outcome.result)) send("content", content_of(answered.outcome.result));
    JsonOut delta = JsonOut::object();
    add_reasoning(delta, answered, false);
    JsonOut last = completion_.chunk(std::move(delta), answered.account.finish);
    completion_.add_warnings(last, answered);
    stream_.send(last);
    if (usage_) {
      JsonOut told = completion_.begin("chat.completion.chunk");
      told["choices"] = JsonOut::array();
      told["usage"] = usage_json(answered.account);
      stream_.send(told);
    }
    stream_.send_text("[DONE]");
    stream_.finish();
  }

 private:
  // On the scheduler's thread, as all that sends.
  void say_role() {
    if (std::exchange(role_said_, true)) return;
    stream_.send(completion_.chunk({{"role", "assistant"}, {"content", ""}}));
  }

  EventStream stream_;
  const Completion completion_;
  const bool usage_;
  bool role_said_ = false;
};

void answer_in_pieces(Service& service, const ExchangePtr& exchange, Completion completion, Asked asked,
                      bool usage) {
  auto stream = std::make_shared<ChunkStream>(exchange, std::move(completion), usage);
  const auto sender = [&stream](const char* member) {
    return [stream, member](std::string_view text) {
      stream->send(member, text);
      return true;
    };
  };
  set_callbacks(asked.task, sender("content"), sender("reasoning"));
  // Whoever is refused here gets a plain answer: nothing was begun.
  ask(service, exchange, std::move(asked), [stream](const Answered& answered) { stream->end(answered); });
  stream->begin();
}

void chat_completions(Service& service, const ExchangePtr& exchange) {
  const Request& request = exchange->request();
  const JsonBody body(request);
  ChatCompletion wanted = read_chat_completion(body.members(), service);
  Completion completion{.id = "chatcmpl-" + request.id,
                        .model = service.model().info().name,
                        .created = seconds_now(),
                        .warnings = std::move(wanted.warnings)};
  if (wanted.stream)
    return answer_in_pieces(service, exchange, std::move(completion), std::move(wanted.asked),
                            wanted.stream_usage);
  answer_whole(service, exchange, std::move(completion), std::move(wanted.asked));
}

void not_served(const ExchangePtr& exchange) {
  throw Refusal(404, "not_found", exchange->request().path + " is not served here; /v1/chat/completions is");
}

}  // namespace

std::vector<Route> openai_routes(Service& service) {
  std::vector<Route> out;
  for (const char* prefix : {"/v1", ""}) {
    out.push_back({.method = "POST",
                   .path = std::string(prefix) + "/chat/completions",
                   .handler = [&service](const ExchangePtr& exchange) {
                     or_refuse(exchange, "", [&] { chat_completions(service, exchange); });
                   }});
  }
  for (const char* path :
       {"/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/messages", "/v1/audio/{...}"}) {
    out.push_back({.method = "POST", .path = path, .handler = [](const ExchangePtr& exchange) {
                     or_refuse(exchange, "", [&] { not_served(exchange); });
                   }});
  }
  return out;
}

}  // namespace moonbeam::server
