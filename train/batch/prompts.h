// What stands between image and answer, and the answer, as ids: the same prompts that the engine makes.
#pragma once

#include <moonbeam/types.h>

#include <string_view>
#include <vector>

#include "model/config.h"
#include "text/tokenizer.h"

namespace moonbeam::train {

/// Templates of a model and the tokenizer that goes with them. Both outlive it.
struct PromptWriter {
  const model::Prompts& prompts;
  const text::Tokenizer& tokenizer;

  // Each @throws Error kUnsupported where the variant has no such prompt, kInvalidArgument (empty text).
  std::vector<int> caption(CaptionLength length) const;
  std::vector<int> query(std::string_view question) const;  ///< without references and reasoning
  std::vector<int> detect(std::string_view object) const;
  std::vector<int> point(std::string_view object) const;

  /// Ids of an answer, the end not included. User text: what looks like a control token stays text.
  std::vector<int> answer(std::string_view text) const { return tokenizer.encode(text, false); }
};

/// The templates of our own models for a tokenizer of ours: ids 0 end, 1 start, 2 object of the task, 3
/// answer, 5 coordinate, 6 size, and the words as the tokenizer spells them.
model::Prompts own_prompts(const text::Tokenizer& tokenizer);

}  // namespace moonbeam::train
