// The decode loop for text: from the logits after a prompt to the end of the answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <moonbeam/types.h>

#include "grammar/constraint.h"
#include "tasks/generation.h"
#include "tasks/runner.h"
#include "text/sampler.h"
#include "text/text_stream.h"

namespace moonbeam::tasks {

/// For tests: logits of each step as the model gives them, before any is suppressed.
using LogitsFn = std::function<void(std::span<const float> logits)>;

struct GeneratedText {
  std::string text;
  std::vector<int> ids;  ///< every token that was fed back; EOS is not among them
  Finish finish = Finish::kEos;
  double decode_ms = 0;
};

/// Continues a sequence whose logits are those after its prompt. Streams to options.on_text by the
/// reference's word rule. Ends at EOS, max_tokens, a full context, a stop string or a callback's false.
/// With a schema only tokens that it allows are chosen, the text streams as it comes, ends where nothing can
/// follow and, where it would end before, is brought to its nearest end.
/// Follows vikhyat/moondream moondream/torch/moondream.py `_generate_answer`.
class TextGeneration final : public Generation {
 public:
  /// @throws Error kInvalidArgument (options).
  TextGeneration(const Engine& engine, const TextOptions& options, LogitsFn on_logits = {},
                 const std::optional<ResponseSchema>& schema = {});
  Next next(Runner& runner, Sequence& sequence) override;
  /// There is no room to begin: the result is what an answer of no tokens is.
  void give_up();
  GeneratedText& result() noexcept { return out_; }

 private:
  int choose_allowed(Sequence& sequence);
  std::string_view push(int id);
  Next end(Finish finish);

  const Engine& engine_;
  const TextOptions options_;
  const LogitsFn on_logits_;
  text::Sampler sampler_;
  text::TextStream stream_;
  std::optional<grammar::Constraint> constraint_;  // then stream_ is idle
  bool wanted_ = true;                             // by on_text
  bool begun_ = false;
  double start_ms_ = 0;
  Token token_;
  GeneratedText out_;
};

/// A TextGeneration alone. @throws Error kCorrupt if the logits are not finite numbers, kInvalidArgument.
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
class ReasoningGeneration final : public Generation {
 public:
  /// @throws Error kInvalidArgument (options).
  ReasoningGeneration(const Engine& engine, const QueryOptions& options);
  Next next(Runner& runner, Sequence& sequence) override;
  GeneratedReasoning& result() noexcept { return out_; }

 private:
  /// Reasoning text comes in chunks; ids that open or close a place start a new one.
  struct Chunk {
    std::vector<int> ids;
    std::vector<float> coordinates;
  };
  Next end(bool stopped);
  Reasoning join() const;

  const Engine& engine_;
  const QueryOptions options_;
  text::Sampler sampler_;
  text::TextStream stream_;
  bool wanted_ = true;  // by on_reasoning
  int count_ = 0;
  std::vector<Chunk> chunks_{1};
  Token token_;
  GeneratedReasoning out_;
};

GeneratedReasoning generate_reasoning(Runner& runner, Sequence& sequence, const QueryOptions& options);

/// Throws Error kCorrupt: the model gave numbers that nothing can be chosen from.
[[noreturn]] void fail_not_finite(const Engine& engine);

}  // namespace moonbeam::tasks
