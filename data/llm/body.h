// The JSON that a server is sent for a call, in the dialect in which this server takes a schema (data.md 6.1,
// 6.2).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data/llm/call.h"

namespace moonbeam::llm {

/// How a server is told to keep to a schema, in the order in which a probe tries them.
enum class Dialect {
  kJsonSchema,         ///< response_format json_schema: OpenAI, vLLM, SGLang, newer llama-server
  kStructuredOutputs,  ///< vLLM: structured_outputs.json
  kGuidedJson,         ///< older vLLM: guided_json
  kLlamaSchema,        ///< llama-server: response_format json_object with a schema
  kGrammar,            ///< llama.cpp: grammar, GBNF
  kJsonObject,         ///< some JSON; its shape is left to the prompt
  kNone,               ///< left to the prompt
};
std::string_view dialect_name(Dialect dialect) noexcept;
std::optional<Dialect> find_dialect(std::string_view name) noexcept;
std::span<const Dialect> all_dialects() noexcept;

/// What differs between the first attempt and later ones, which are made after an answer that is of no use.
struct Attempt {
  int number = 0;        ///< 0 is the first
  bool was_cut = false;  ///< the one before stopped at max_tokens
};

/// Sampling of an attempt: another seed, drawn from the call's own, and twice as long where it was cut.
Sampling sampling_of(const Call& call, const Attempt& attempt, int most_tokens);

struct BodyOptions {
  Dialect dialect = Dialect::kNone;
  std::string model;               ///< as this server knows it
  bool completion_tokens = false;  ///< max_completion_tokens in place of max_tokens
};

/// @throws Error kInvalidArgument (not UTF-8).
std::string body_of(const Call& call, const Sampling& sampling, const BodyOptions& options);

/// A call that shows whether a server heeds a schema: it asks for a greeting and demands a word that none
/// holds.
Call probe_call(const std::string& model);
/// Whether this answer to it could only come from a server that was held to the schema (of kJsonObject: to
/// JSON).
bool probe_passed(std::string_view text, Dialect dialect);

std::string base64(std::string_view bytes);

}  // namespace moonbeam::llm
