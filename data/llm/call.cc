#include "data/llm/call.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/sha256.h"

namespace moonbeam::llm {

namespace {

constexpr std::int64_t kPictureTokensMost = 8192, kPictureTokensLikely = 800, kMessageTokens = 16;

/// 4.0 and 4 are one number; beyond 2^53 a double does not tell whole numbers apart.
Json normal_number(double value) {
  constexpr double kExact = 9007199254740992.0;
  if (std::isfinite(value) && std::floor(value) == value && std::fabs(value) <= kExact) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

Json normalised(const Json& value) {
  if (value.is_number_float()) return normal_number(value.get<double>());
  if (!value.is_structured()) return value;
  Json out = value;
  for (Json& one : out) one = normalised(one);
  return out;
}

Json messages_of(const Call& call) {
  Json out = Json::array();
  for (const Message& message : call.messages) {
    Json pictures = Json::array();
    for (const Picture& picture : message.pictures) {
      pictures.push_back(
          base::sha256_hex(std::as_bytes(std::span(picture.bytes->data(), picture.bytes->size()))));
    }
    Json one = {{"role", message.role}, {"text", message.text}};
    if (!pictures.empty()) one["pictures"] = std::move(pictures);
    out.push_back(std::move(one));
  }
  return out;
}

std::uint64_t hex_word(std::string_view hex, bool& good) {
  std::uint64_t word = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), word, 16);
  good = good && error == std::errc() && end == hex.data() + hex.size();
  return word;
}

std::int64_t text_bytes(const Call& call) {
  std::size_t bytes = 0;
  for (const Message& message : call.messages) bytes += message.text.size() + message.role.size();
  for (const std::string& input : call.inputs) bytes += input.size();
  // Some servers write the schema into the prompt.
  if (!call.schema.is_null()) bytes += call.schema.dump().size();
  return static_cast<std::int64_t>(bytes);
}

std::int64_t pictures_in(const Call& call) {
  std::size_t pictures = 0;
  for (const Message& message : call.messages) pictures += message.pictures.size();
  return static_cast<std::int64_t>(pictures);
}

}  // namespace

std::string RequestId::hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint64_t word : words) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(word >> shift) & 15];
  }
  return out;
}

std::optional<RequestId> RequestId::parse(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  bool good = true;
  RequestId id;
  id.words = {hex_word(hex.substr(0, 16), good), hex_word(hex.substr(16), good)};
  return good ? std::optional(id) : std::nullopt;
}

std::string canonical_json(const Json& value) {
  try {
    return normalised(value).dump();
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kInvalidArgument, "a call to a language model: expected UTF-8: ", error.what());
  }
}

RequestId request_id(const Call& call) {
  const Sampling& sampling = call.sampling;
  Json key = {{"kind", call.kind == CallKind::kChat ? "chat" : "embeddings"},
              {"model", call.model},
              {"revision", call.revision},
              {"messages", messages_of(call)},
              {"sampling",
               {{"temperature", sampling.temperature},
                {"top_p", sampling.top_p},
                {"max_tokens", sampling.max_tokens},
                {"seed", sampling.seed},
                {"presence_penalty", sampling.presence_penalty},
                {"frequency_penalty", sampling.frequency_penalty},
                {"stop", sampling.stop}}}};
  if (call.kind == CallKind::kEmbeddings) key["inputs"] = call.inputs;
  // As text: the order of a schema's properties is the order in which they are written, and so decides.
  try {
    if (!call.schema.is_null()) key["schema"] = call.schema.dump();
  } catch (const Json::exception&) {
    base::fail(ErrorCode::kInvalidArgument, "a call to a language model: the schema is not UTF-8");
  }
  const std::string text = canonical_json(key);
  const std::string hash = base::sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
  return *RequestId::parse(std::string_view(hash).substr(0, 32));
}

std::int64_t most_prompt_tokens(const Call& call) {
  return text_bytes(call) + kMessageTokens * static_cast<std::int64_t>(call.messages.size() + 1) +
         kPictureTokensMost * pictures_in(call);
}

std::int64_t likely_prompt_tokens(const Call& call) {
  return text_bytes(call) / 4 + kMessageTokens + kPictureTokensLikely * pictures_in(call);
}

std::uint64_t mix(std::uint64_t seed, std::uint64_t counter) noexcept {
  // SplitMix64's finaliser over a step of the golden ratio a counter.
  std::uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace moonbeam::llm
