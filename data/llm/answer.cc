#include "data/llm/answer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "data/llm/json_text.h"
#include "data/llm/schema.h"

namespace moonbeam::llm {

namespace {

constexpr std::size_t kMaxWords = 300;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// Openings of models that decline. Only where nothing else could be read from the text: a caption may well
/// say "I'm sorry" as somebody's words.
bool declines(std::string_view text) {
  constexpr std::array<std::string_view, 9> kOpenings = {
      "i'm sorry, but",    "i am sorry, but",    "sorry, but i",  "i can't assist", "i cannot assist",
      "i can't help with", "i cannot help with", "i'm unable to", "as an ai"};
  std::string start = lower(text.substr(0, 48));
  for (std::size_t at = 0; (at = start.find("\xe2\x80\x99", at)) != std::string::npos;) {
    start.replace(at, 3, "'");
  }
  return std::any_of(kOpenings.begin(), kOpenings.end(),
                     [&](std::string_view opening) { return start.starts_with(opening); });
}

const Json* member(const Json* value, std::string_view key) {
  if (value == nullptr || !value->is_object()) return nullptr;
  const auto found = value->find(key);
  return found == value->end() ? nullptr : &*found;
}

std::string text_of(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

/// Servers count their own tokens; negative and absurd numbers are none.
std::int64_t count_of(const Json* value) {
  constexpr std::int64_t kMost = 10'000'000;
  if (value == nullptr || !value->is_number_integer()) return 0;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{kMost}) return 0;
  const auto count = value->get<std::int64_t>();
  return count >= 0 && count <= kMost ? count : 0;
}

Usage usage_of(const Json& body) {
  const Json* usage = member(&body, "usage");
  Usage out;
  out.prompt = count_of(member(usage, "prompt_tokens"));
  out.completion = count_of(member(usage, "completion_tokens"));
  out.cached =
      std::min(out.prompt, count_of(member(member(usage, "prompt_tokens_details"), "cached_tokens")));
  return out;
}

Answer& judged(Answer& answer, Outcome outcome, std::string message = {}) {
  answer.outcome = outcome;
  answer.message = std::move(message);
  return answer;
}

void judge_text(Answer& answer, const Call& call, std::string_view finish) {
  if (finish == "length") {
    judged(answer, Outcome::kCut, "stopped at max_tokens");
    return;
  }
  if (answer.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    judged(answer, Outcome::kEmpty, "no text");
    return;
  }
  if (call.schema.is_null()) {
    judged(answer, declines(answer.text) ? Outcome::kRefusal : Outcome::kAnswer);
    return;
  }
  const std::optional<Json> value = find_json(answer.text, answer.mended);
  if (!value) {
    const bool declined = declines(answer.text);
    judged(answer, declined ? Outcome::kRefusal : Outcome::kNotJson,
           declined ? "the model declined" : "expected JSON");
    return;
  }
  if (std::string fault = schema_fault(*value, call.schema); !fault.empty()) {
    judged(answer, Outcome::kWrongSchema, std::move(fault));
    return;
  }
  answer.value = *value;
  judged(answer, Outcome::kAnswer);
}

bool read_embeddings(Answer& answer, const Json& body, std::size_t expected) {
  const Json* data = member(&body, "data");
  if (data == nullptr || !data->is_array() || data->size() != expected) return false;
  answer.embeddings.resize(expected);
  for (std::size_t i = 0; i < expected; ++i) {
    const Json& row = (*data)[i];
    const Json* index = member(&row, "index");
    const std::size_t place = index == nullptr ? i : static_cast<std::size_t>(count_of(index));
    const Json* numbers = member(&row, "embedding");
    if (place >= expected || numbers == nullptr || !numbers->is_array() || numbers->empty()) return false;
    std::vector<float>& out = answer.embeddings[place];
    if (!out.empty()) return false;
    for (const Json& number : *numbers) {
      if (!number.is_number()) return false;
      out.push_back(number.get<float>());
      if (!std::isfinite(out.back())) return false;
    }
  }
  return std::all_of(answer.embeddings.begin(), answer.embeddings.end(), [&](const std::vector<float>& one) {
    return one.size() == answer.embeddings[0].size();
  });
}

}  // namespace

Answer read_answer(std::string_view body, const Call& call) {
  Answer answer;
  const std::optional<Json> parsed = parse_bounded(body);
  if (!parsed || !parsed->is_object()) return judged(answer, Outcome::kBroken, "expected a JSON object");
  answer.usage = usage_of(*parsed);
  answer.served = text_of(member(&*parsed, "model"));
  if (call.kind == CallKind::kEmbeddings) {
    if (read_embeddings(answer, *parsed, call.inputs.size())) return judged(answer, Outcome::kAnswer);
    answer.embeddings.clear();
    return judged(answer, Outcome::kBroken, "expected one vector for each input");
  }
  const Json* choices = member(&*parsed, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) {
    return judged(answer, Outcome::kBroken, "expected 'choices'");
  }
  const Json* choice = &choices->front();
  const Json* message = member(choice, "message");
  if (message == nullptr || !message->is_object())
    return judged(answer, Outcome::kBroken, "expected 'choices[0].message'");
  const std::string finish = text_of(member(choice, "finish_reason"));
  answer.text = text_of(member(message, "content"));
  if (const std::string refusal = text_of(member(message, "refusal")); !refusal.empty()) {
    answer.text = refusal;
    return judged(answer, Outcome::kRefusal, "the model declined");
  }
  if (finish == "content_filter") return judged(answer, Outcome::kRefusal, "stopped by a content filter");
  judge_text(answer, call, finish);
  return answer;
}

bool is_worth_another(Outcome outcome) noexcept {
  return outcome == Outcome::kCut || outcome == Outcome::kEmpty || outcome == Outcome::kNotJson ||
         outcome == Outcome::kWrongSchema || outcome == Outcome::kBroken;
}

std::string error_words(std::string_view body) {
  std::string words;
  if (const std::optional<Json> parsed = parse_bounded(body)) {
    const Json* error = member(&*parsed, "error");
    words = text_of(member(error, "message"));
    if (words.empty()) words = text_of(error);
    if (words.empty()) words = text_of(member(&*parsed, "detail"));
    if (words.empty()) words = text_of(member(&*parsed, "message"));
  }
  if (words.empty()) words = body.substr(0, std::min(body.find('\n'), body.size()));
  if (words.size() > kMaxWords) words.resize(kMaxWords);
  return base::printable(words);
}

bool is_context_overflow(int status, std::string_view body) {
  if (status != 400 && status != 413 && status != 422) return false;
  const std::string text = lower(body.substr(0, 4096));
  constexpr std::array<std::string_view, 6> kWords = {
      "context_length_exceeded", "context length",      "context size",
      "maximum context",         "exceed_context_size", "too many tokens"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

}  // namespace moonbeam::llm
