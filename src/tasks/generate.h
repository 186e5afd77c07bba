// The decode loop for text: from the logits after a prompt to the end of the answer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <moonbeam/types.h>

#include "tasks/runner.h"

namespace moonbeam::tasks {

/// For tests: logits of each step as the model gives them, before any is suppressed.
using LogitsFn = std::function<void(std::span<const float> logits)>;

struct GeneratedText {
  std::string text;
  std::vector<int> ids;  ///< every token that was fed back; EOS is not among them
  Finish finish = Finish::kEos;
  double decode_ms = 0;
};

/// Continues `sequence`, whose logits are those after its prompt. Streams to options.on_text by the
/// reference's word rule. Ends at EOS, max_tokens, a full context, a stop string or a callback's false.
/// @throws Error kCorrupt if the logits are not finite numbers, kInvalidArgument (sampling options).
/// Follows vikhyat/moondream moondream/torch/moondream.py `_generate_answer`.
GeneratedText generate_text(Runner& runner, Sequence& sequence, const TextOptions& options,
                            const LogitsFn& on_logits = {});

/// Thinking before the answer, with places named in between.
struct GeneratedReasoning {
  Reasoning reasoning;
  std::vector<int> ids;   ///< tokens of text that were fed back
  std::vector<int> bins;  ///< coordinates in order
  bool stopped = false;   ///< a callback returned false: there will be no answer
};

/// Follows vikhyat/moondream moondream/torch/moondream.py `_generate_reasoning`, except that a coordinate is
/// always read from the last position (the reference fails where the first token is one).
GeneratedReasoning generate_reasoning(Runner& runner, Sequence& sequence, const QueryOptions& options);

/// Throws Error kCorrupt: the model gave numbers that nothing can be chosen from.
[[noreturn]] void fail_not_finite(const Engine& engine);

}  // namespace moonbeam::tasks
