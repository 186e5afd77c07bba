#include "data/llm/body.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "data/llm/json_text.h"
#include "data/llm/schema.h"

namespace moonbeam::llm {

namespace {

struct DialectRow {
  Dialect dialect;
  std::string_view name;
};
constexpr std::array<DialectRow, 7> kDialects = {{{Dialect::kJsonSchema, "json_schema"},
                                                  {Dialect::kStructuredOutputs, "structured_outputs"},
                                                  {Dialect::kGuidedJson, "guided_json"},
                                                  {Dialect::kLlamaSchema, "llama_schema"},
                                                  {Dialect::kGrammar, "grammar"},
                                                  {Dialect::kJsonObject, "json_object"},
                                                  {Dialect::kNone, "none"}}};
constexpr std::array<Dialect, 6> kProbed = {Dialect::kJsonSchema, Dialect::kStructuredOutputs,
                                            Dialect::kGuidedJson, Dialect::kLlamaSchema,
                                            Dialect::kGrammar,    Dialect::kJsonObject};
constexpr std::string_view kProbeWord = "moonbeam-7f3a";
constexpr std::uint64_t kSeeds = 0x7365656473;  // draws for seeds are not those for waits

OrderedJson message_json(const Message& message) {
  if (message.pictures.empty()) return {{"role", message.role}, {"content", message.text}};
  OrderedJson parts = OrderedJson::array();
  for (const Picture& picture : message.pictures) {
    parts.push_back({{"type", "image_url"},
                     {"image_url", {{"url", "data:" + picture.mime + ";base64," + base64(*picture.bytes)}}}});
  }
  parts.push_back({{"type", "text"}, {"text", message.text}});
  return {{"role", message.role}, {"content", std::move(parts)}};
}

/// The members that tell a server of the schema, as text behind a body's other members: copying the schema
/// into the body's tree would cost more than all the rest of it.
std::string schema_members(const Call& call, Dialect dialect) {
  switch (dialect) {
    case Dialect::kJsonSchema:
      return ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":" +
             OrderedJson(call.schema_name).dump() + ",\"strict\":true,\"schema\":" + call.schema.dump() +
             "}}";
    case Dialect::kStructuredOutputs:
      return ",\"structured_outputs\":{\"json\":" + call.schema.dump() + "}";
    case Dialect::kGuidedJson:
      return ",\"guided_json\":" + call.schema.dump();
    case Dialect::kLlamaSchema:
      return ",\"response_format\":{\"type\":\"json_object\",\"schema\":" + call.schema.dump() + "}";
    case Dialect::kGrammar:
      return ",\"grammar\":" + OrderedJson(gbnf_of(call.schema)).dump();
    case Dialect::kJsonObject:
      return ",\"response_format\":{\"type\":\"json_object\"}";
    case Dialect::kNone:
      break;
  }
  return "";
}

std::string dumped(const OrderedJson& body) {
  try {
    return body.dump();
  } catch (const OrderedJson::exception&) {
    base::fail(ErrorCode::kInvalidArgument, "a call to a language model: expected UTF-8");
  }
}

}  // namespace

std::string_view dialect_name(Dialect dialect) noexcept {
  return kDialects[static_cast<std::size_t>(dialect)].name;
}

std::optional<Dialect> find_dialect(std::string_view name) noexcept {
  for (const DialectRow& row : kDialects) {
    if (row.name == name) return row.dialect;
  }
  return std::nullopt;
}

std::span<const Dialect> all_dialects() noexcept {
  return kProbed;
}

Sampling sampling_of(const Call& call, const Attempt& attempt, int most_tokens) {
  Sampling out = call.sampling;
  if (attempt.number == 0) return out;
  // 31 bits: some servers keep seeds in an int.
  out.seed = mix(call.rng ^ call.sampling.seed ^ kSeeds, static_cast<std::uint64_t>(attempt.number)) >> 33;
  const int times = attempt.was_cut ? 2 : 1;
  out.max_tokens = std::max(out.max_tokens, std::min(most_tokens, out.max_tokens * times * attempt.number));
  return out;
}

std::string body_of(const Call& call, const Sampling& sampling, const BodyOptions& options) {
  OrderedJson body = {{"model", options.model}};
  if (call.kind == CallKind::kEmbeddings) {
    body["input"] = call.inputs;
    body["encoding_format"] = "float";
    return dumped(body);
  }
  OrderedJson messages = OrderedJson::array();
  for (const Message& message : call.messages) messages.push_back(message_json(message));
  body["messages"] = std::move(messages);
  body["temperature"] = sampling.temperature;
  body["top_p"] = sampling.top_p;
  body[options.completion_tokens ? "max_completion_tokens" : "max_tokens"] = sampling.max_tokens;
  body["n"] = 1;
  body["seed"] = sampling.seed;
  body["presence_penalty"] = sampling.presence_penalty;
  body["frequency_penalty"] = sampling.frequency_penalty;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  body["stream"] = false;
  std::string out = dumped(body);
  if (!call.schema.is_null()) out.insert(out.size() - 1, schema_members(call, options.dialect));
  return out;
}

Call probe_call(const std::string& model) {
  Call call;
  call.id = call.stage = "probe";
  call.model = model;
  call.messages = {{"user", "Say hello in JSON.", {}}};
  call.sampling.max_tokens = 64;
  call.schema = {{"type", "object"},
                 {"properties", {{"probe", {{"type", "string"}, {"enum", {kProbeWord}}}}}},
                 {"required", {"probe"}},
                 {"additionalProperties", false}};
  call.schema_name = "probe";
  return call;
}

bool probe_passed(std::string_view text, Dialect dialect) {
  const std::optional<Json> value = parse_bounded(text);
  if (!value || !value->is_object()) return false;
  return dialect == Dialect::kJsonObject || schema_fault(*value, probe_call("").schema).empty();
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) {
      word = word << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kDigits[(word >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

}  // namespace moonbeam::llm
