// One question to a language model, and the identity under which its answer is kept (data.md 7.1).
// What a server is sent for it is body.h's, what comes back result.h's.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moonbeam::llm {

/// Keys sorted: for values that are compared, hashed and looked into.
using Json = nlohmann::json;
/// Keys as written: for schemas, whose order is the order in which a constrained model writes.
using OrderedJson = nlohmann::ordered_json;

/// A picture in a message; the bytes of its file are shared, so that many calls about one picture hold it
/// once.
struct Picture {
  std::string mime = "image/jpeg";
  std::shared_ptr<const std::string> bytes;
};

struct Message {
  std::string role = "user";  ///< system, user, assistant
  std::string text;
  std::vector<Picture> pictures = {};  ///< before the text
};

/// All of it is sent with every call: servers put their own defaults in the place of what is missing.
struct Sampling {
  double temperature = 0;
  double top_p = 1;
  int max_tokens = 512;
  std::uint64_t seed = 0;
  double presence_penalty = 0, frequency_penalty = 0;
  std::vector<std::string> stop = {};
};

enum class CallKind { kChat, kEmbeddings };

struct Call {
  CallKind kind = CallKind::kChat;
  std::string id;     ///< "coco-7/S7/count/0": names it in ledger and batch files
  std::string image;  ///< key of the image that pays for it; may be empty
  std::string stage;  ///< "S7"; may be empty
  std::string model;  ///< generator; the endpoints that serve it are asked
  std::string revision = {};
  std::vector<Message> messages = {};
  std::vector<std::string> inputs = {};  ///< of kEmbeddings
  Sampling sampling = {};
  /// A flat JSON schema (schema.h); null for free text.
  OrderedJson schema = nullptr;
  std::string schema_name = "answer";
  /// Of the record (hash of pipeline, image, stage, attempt): waits between tries and the seeds of second
  /// attempts come from it, so that runs repeat whatever the order of calls.
  std::uint64_t rng = 0;
  /// From the first byte sent to the answer, waits and tries included; 0: the client's default.
  std::chrono::milliseconds deadline{0};
};

/// 128 bits of content.
struct RequestId {
  std::array<std::uint64_t, 2> words{};
  auto operator<=>(const RequestId&) const = default;
  std::string hex() const;
  static std::optional<RequestId> parse(std::string_view hex);
};

struct RequestIdHash {
  std::size_t operator()(const RequestId& id) const noexcept { return id.words[0]; }
};

/// Of what decides an answer: kind, model, revision, messages, sampling, schema. Not of who asks.
RequestId request_id(const Call& call);

/// Sorted keys, no whitespace, whole numbers without a point. @throws Error kInvalidArgument (not UTF-8).
std::string canonical_json(const Json& value);

/// An upper bound of the tokens of a prompt: no tokenizer makes more tokens than bytes, a picture counts for
/// what the greediest tiling takes.
std::int64_t most_prompt_tokens(const Call& call);
/// About how many they are: 4 bytes each.
std::int64_t likely_prompt_tokens(const Call& call);

/// Bits that are a pure function of both.
std::uint64_t mix(std::uint64_t seed, std::uint64_t counter) noexcept;

}  // namespace moonbeam::llm
