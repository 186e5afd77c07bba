// What became of a call: one of a few endings, each of which is counted (data.md 6.4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/llm/call.h"

namespace moonbeam::llm {

enum class Outcome {
  kAnswer,
  // What the model did; a second attempt was made where one may help.
  kRefusal,      ///< it declined, or a content filter stood before it
  kCut,          ///< stopped at max_tokens
  kEmpty,        ///< no text
  kNotJson,      ///< a schema was asked for and this is no JSON
  kWrongSchema,  ///< JSON of another shape
  kBroken,       ///< 200, but no answer in the form of the API
  // What the server said of the request.
  kTooLong,   ///< more than the model's context: ask again with less
  kRejected,  ///< 400, 404, 413, 422 and every status without a rule
  kDenied,    ///< 401, 403: the whole client has stopped
  // What the way there did; another run may have more luck.
  kBusy,         ///< 408, 409, 429, 500, 502, 503, 504 to the last try
  kUnreachable,  ///< no connection, or one that broke, to the last try
  kTimeout,      ///< the call's deadline has passed
  // What the caller decided.
  kOverBudget,  ///< a budget would not have sufficed
  kCancelled,   ///< the client was stopped
  kDeferred,    ///< written to a batch file, to be answered there
};
inline constexpr int kOutcomes = 16;

/// "answer", "wrong_schema", ...
std::string_view outcome_name(Outcome outcome) noexcept;
std::optional<Outcome> find_outcome(std::string_view name) noexcept;

/// The same again would end the same way: kept in the cache, so that no resumed run asks it again.
bool is_final(Outcome outcome) noexcept;

struct Usage {
  std::int64_t prompt = 0, completion = 0, cached = 0;  ///< tokens; cached: of the prompt
  Usage& operator+=(const Usage& other) noexcept;
};

struct Result {
  Outcome outcome = Outcome::kCancelled;
  std::string text;                            ///< as the model wrote it
  Json value = nullptr;                        ///< where a schema was asked for and met
  std::vector<std::vector<float>> embeddings;  ///< of kEmbeddings, in the order of the inputs
  std::string message;                         ///< what went wrong, for people; never holds a key
  RequestId request{};
  Usage usage;            ///< of all tries
  int tries = 0;          ///< requests sent; 0 from the cache
  int attempts = 0;       ///< answers that came, second attempts included
  int http_status = 0;    ///< of the last try
  double latency_ms = 0;  ///< from the first try to the end
  double price = 0;
  std::string endpoint;  ///< name
  std::string served;    ///< the model as the server named it
  bool cached = false;   ///< from the cache, or shared with an equal call that was under way
  bool mended = false;   ///< the JSON stood inside other text

  bool ok() const noexcept { return outcome == Outcome::kAnswer; }
};

}  // namespace moonbeam::llm
