#include "data/mockllm/mock.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "base/hash64.h"
#include "base/sha256.h"
#include "data/llm/json_text.h"
#include "data/llm/schema.h"

namespace moonbeam::mockllm {

namespace {

using llm::Dialect;
using llm::OrderedJson;

std::uint64_t hash_of(std::string_view text) {
  return base::hash64(std::as_bytes(std::span(text.data(), text.size())));
}

/// None where a byte is no digit of base64.
std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  std::uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    int digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = c - 'A';
    } else if (c >= 'a' && c <= 'z') {
      digit = c - 'a' + 26;
    } else if (c >= '0' && c <= '9') {
      digit = c - '0' + 52;
    } else if (c == '+' || c == '/') {
      digit = c == '+' ? 62 : 63;
    } else if (c == '=') {
      break;
    } else {
      return std::nullopt;
    }
    word = word << 6 | static_cast<std::uint32_t>(digit);
    if ((bits += 6) >= 8) out += static_cast<char>(word >> (bits -= 8) & 0xff);
  }
  return out;
}

/// The text of a message and the hashes of its pictures, from a string or a list of parts.
void read_content(const Json& content, Question& question, bool last) {
  if (content.is_string()) {
    question.prompt += content.get<std::string>() + "\n";
    return;
  }
  if (!content.is_array()) return;
  for (const Json& part : content) {
    if (!part.is_object()) continue;
    if (part.value("type", "") == "text") question.prompt += part.value("text", "") + "\n";
    if (!last || !part.contains("image_url") || !part["image_url"].is_object()) continue;
    const std::string url = part["image_url"].value("url", "");
    const std::size_t comma = url.find(";base64,");
    if (comma == std::string::npos) continue;
    if (const auto bytes = from_base64(std::string_view(url).substr(comma + 8))) {
      question.pictures.push_back(base::sha256_hex(std::as_bytes(std::span(bytes->data(), bytes->size()))));
    }
  }
}

/// The schema of a request, where it is told in a form that this server heeds; `any`: some JSON is asked for.
OrderedJson schema_of(const OrderedJson& body, const std::vector<Dialect>& heeded, bool& any) {
  const auto heeds = [&](Dialect one) {
    return std::find(heeded.begin(), heeded.end(), one) != heeded.end();
  };
  const OrderedJson format = body.value("response_format", OrderedJson());
  const std::string type = format.is_object() ? format.value("type", "") : "";
  if (heeds(Dialect::kJsonSchema) && type == "json_schema" && format.contains("json_schema")) {
    return format["json_schema"].value("schema", OrderedJson());
  }
  if (heeds(Dialect::kStructuredOutputs) && body.contains("structured_outputs")) {
    return body["structured_outputs"].value("json", OrderedJson());
  }
  if (heeds(Dialect::kGuidedJson) && body.contains("guided_json")) return body["guided_json"];
  if (heeds(Dialect::kLlamaSchema) && type == "json_object" && format.contains("schema"))
    return format["schema"];
  if (heeds(Dialect::kJsonObject) && type == "json_object") any = true;
  return nullptr;
}

int tokens_of(std::string_view text) {
  return static_cast<int>(text.size() / 4) + 1;
}

OrderedJson usage_json(int prompt, int completion) {
  return {
      {"prompt_tokens", prompt}, {"completion_tokens", completion}, {"total_tokens", prompt + completion}};
}

/// Three parts, and the end: enough to be a stream.
std::string as_stream(const OrderedJson& base, const std::string& text, const std::string& finish,
                      const OrderedJson& usage) {
  std::string out;
  const auto add = [&](OrderedJson delta, OrderedJson reason) {
    OrderedJson chunk = base;
    chunk["object"] = "chat.completion.chunk";
    chunk["choices"] = {{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(reason)}}};
    out += "data: " + chunk.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n\n";
  };
  add({{"role", "assistant"}, {"content", ""}}, nullptr);
  const std::size_t cut = text.size() / 2;
  add({{"content", text.substr(0, cut)}}, nullptr);
  add({{"content", text.substr(cut)}}, nullptr);
  add(OrderedJson::object(), finish);
  OrderedJson last = base;
  last["object"] = "chat.completion.chunk";
  last["choices"] = OrderedJson::array();
  last["usage"] = usage;
  return out + "data: " + last.dump() + "\n\ndata: [DONE]\n\n";
}

/// What the model's faults make of an answer; gives the reason it ended.
std::string spoil(std::string& text, const Question& question) {
  if (question.has(Fault::kRefuse)) text = "I'm sorry, but I can't help with that.";
  if (question.has(Fault::kEmpty)) text.clear();
  if (question.has(Fault::kInvalidJson)) text = "Sure! Here it is: {\"answer\": \"" + text.substr(0, 20);
  if (question.has(Fault::kWrongSchema)) text = "{\"unexpected\": [1, 2, 3]}";
  if (question.has(Fault::kCut)) {
    text.resize(text.size() / 2);
    return "length";
  }
  return "stop";
}

}  // namespace

Mock::Mock(MockOptions options) : options_(std::move(options)), faults_(options_.faults, options_.seed) {
  if (!options_.truth.empty()) truth_ = Truth(options_.truth);
}

MockReply Mock::error(int status, std::string_view message, std::string_view code) const {
  MockReply reply;
  reply.status = status;
  const std::string type = status == 429  ? "rate_limit_error"
                           : status < 500 ? "invalid_request_error"
                                          : "server_error";
  reply.body =
      OrderedJson({{"error", {{"message", message}, {"type", type}, {"code", code}}}, {"mock", true}}).dump();
  return reply;
}

MockReply Mock::models() const {
  OrderedJson list = OrderedJson::array();
  for (const std::string& model : options_.models) {
    list.push_back({{"id", model}, {"object", "model"}, {"owned_by", "moonbeam mockllm"}});
  }
  MockReply reply;
  reply.body = OrderedJson({{"object", "list"}, {"data", list}, {"mock", true}}).dump();
  return reply;
}

bool Mock::knows(const Json& body) const {
  const std::string model = body.contains("model") && body["model"].is_string() ? body["model"] : "";
  return options_.any_model ||
         std::find(options_.models.begin(), options_.models.end(), model) != options_.models.end();
}

MockReply Mock::handle(const MockRequest& request) {
  const std::string path = request.path.substr(0, request.path.find('?'));
  if (path == "/health") {
    MockReply reply;
    reply.body = R"({"status":"ok","mock":true})";
    return reply;
  }
  if (!options_.key.empty() && request.authorization != "Bearer " + options_.key) {
    return error(401, "wrong or no key", "invalid_api_key");
  }
  if (path == "/v1/models" && request.method == "GET") return models();
  const bool chat_path = path == "/v1/chat/completions", embeddings_path = path == "/v1/embeddings";
  if (!chat_path && !embeddings_path) return error(404, "no such path", "not_found");
  if (request.method != "POST") return error(405, "expected POST", "method_not_allowed");
  try {
    return chat_path ? chat(request) : embeddings(request);
  } catch (const Json::exception&) {
    return error(400, "a member of another kind than expected", "invalid_value");
  }
}

MockReply Mock::chat(const MockRequest& request) {
  const std::optional<Json> parsed = llm::parse_bounded(request.body);
  if (!parsed || !parsed->is_object()) return error(400, "expected a JSON object", "invalid_json");
  const Json& body = *parsed;
  if (!knows(body)) return error(404, "no such model", "model_not_found");
  if (!body.contains("messages") || !body["messages"].is_array() || body["messages"].empty()) {
    return error(400, "expected 'messages'", "invalid_value");
  }
  Question question;
  question.content = llm::mix(options_.seed, hash_of(request.body));
  const Json& messages = body["messages"];
  for (std::size_t i = 0; i < messages.size(); ++i) {
    read_content(messages[i].value("content", Json()), question, i + 1 == messages.size());
  }
  question.input = machine_part(question.prompt);
  if (question.input.is_object()) question.stage = question.input.value("stage", "");
  bool any_json = false;
  question.schema = schema_of(OrderedJson::parse(request.body), options_.dialects, any_json);
  try {
    if (!question.schema.is_null()) llm::check_schema(question.schema);
  } catch (const Error& refused) {
    return error(400, refused.what(), "invalid_json_schema");
  }
  const Faults::Met met = faults_.meet(question.content, question.stage);
  question.faults = &met;
  if (met.way != nullptr && met.way->status != 0) {
    MockReply reply = error(met.way->status, "a fault on purpose", "mock_fault");
    reply.retry_after = met.way->retry_after;
    return reply;
  }
  const int prompt_tokens = tokens_of(question.prompt) + 256 * static_cast<int>(question.pictures.size());
  if (prompt_tokens > options_.context) {
    return error(400,
                 "this model's maximum context length is " + std::to_string(options_.context) + " tokens",
                 "context_length_exceeded");
  }
  Json answer = answer_to(question, truth_, options_.truth_error);
  if (any_json && answer.is_string()) answer = {{"answer", answer}};
  std::string text = answer.is_string() ? answer.get<std::string>() : answer.dump();
  std::string finish = spoil(text, question);
  const int most = body.value("max_tokens", body.value("max_completion_tokens", 1 << 20));
  if (tokens_of(text) > most) {
    text.resize(std::min(text.size(), 4 * static_cast<std::size_t>(std::max(1, most))));
    finish = "length";
  }
  MockReply reply;
  reply.way = met.way;
  reply.completion_tokens = tokens_of(text);
  const OrderedJson usage = usage_json(prompt_tokens, reply.completion_tokens);
  const llm::RequestId id{{question.content, llm::mix(question.content, 1)}};
  OrderedJson out = {{"id", "chatcmpl-" + id.hex()},
                     {"object", "chat.completion"},
                     {"created", 0},  // the same request gives the same bytes
                     {"model", body.value("model", options_.models[0])},
                     {"system_fingerprint", "moonbeam-mock"},
                     {"mock", true}};
  if (body.value("stream", false)) {
    reply.content_type = "text/event-stream";
    reply.body = as_stream(out, text, finish, usage);
    return reply;
  }
  out["choices"] = {
      {{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", finish}}};
  out["usage"] = usage;
  reply.body = out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  return reply;
}

MockReply Mock::embeddings(const MockRequest& request) {
  const std::optional<Json> parsed = llm::parse_bounded(request.body);
  if (!parsed || !parsed->is_object() || !parsed->contains("input")) {
    return error(400, "expected 'input'", "invalid_value");
  }
  if (!knows(*parsed)) return error(404, "no such model", "model_not_found");
  const std::uint64_t content = llm::mix(options_.seed, hash_of(request.body));
  const Faults::Met met = faults_.meet(content, "embeddings");
  if (met.way != nullptr && met.way->status != 0) {
    MockReply reply = error(met.way->status, "a fault on purpose", "mock_fault");
    reply.retry_after = met.way->retry_after;
    return reply;
  }
  const Json& input = (*parsed)["input"];
  const Json texts = input.is_string() ? Json::array({input}) : input;
  if (!texts.is_array()) return error(400, "expected 'input'", "invalid_value");
  OrderedJson data = OrderedJson::array();
  int tokens = 0;
  for (const Json& text : texts) {
    const std::string one = text.get<std::string>();
    tokens += tokens_of(one);
    data.push_back({{"object", "embedding"}, {"index", data.size()}, {"embedding", embed(one)}});
  }
  MockReply reply;
  reply.way = met.way;
  reply.body = OrderedJson({{"object", "list"},
                            {"data", data},
                            {"model", parsed->value("model", options_.models[0])},
                            {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}},
                            {"mock", true}})
                   .dump();
  return reply;
}

}  // namespace moonbeam::mockllm
