// What a server's 200 holds, judged: answer, refusal, cut, not JSON, ... (data.md 6.1, 6.4).
#pragma once

#include <string>
#include <string_view>

#include "data/llm/result.h"

namespace moonbeam::llm {

struct Answer {
  Outcome outcome = Outcome::kBroken;
  std::string text, message, served;
  Json value = nullptr;
  std::vector<std::vector<float>> embeddings;
  Usage usage;
  bool mended = false;
};

/// Never throws for what a server wrote.
Answer read_answer(std::string_view body, const Call& call);

/// A second attempt with another seed may help.
bool is_worth_another(Outcome outcome) noexcept;

/// The words of an error body: OpenAI's {"error": {"message"}}, FastAPI's {"detail"}, or its first line; at
/// most 300 bytes.
std::string error_words(std::string_view body);

/// 400, 413 and 422 that complain of the context's length.
bool is_context_overflow(int status, std::string_view body);

}  // namespace moonbeam::llm
