// What every decode loop has in common, so that one can run alone or in step with others (tasks/batch.h).
#pragma once

#include <span>

#include "tasks/runner.h"
#include "tasks/token.h"

namespace moonbeam::tasks {

/// What a generation wants fed before it can go on.
struct Next {
  std::span<const Token> tokens = {};  ///< none: it has ended. Valid until the next call
  bool logits = true;                  ///< whether it will read the logits after them
};

/// The choices of one answer: reads what the last position says, says what to feed next. It owns its options
/// and its result; the sequence belongs to whoever feeds it.
class Generation {
 public:
  Generation() = default;
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;
  virtual ~Generation() = default;

  /// Whether it will read the logits after the prompt.
  virtual bool reads_prompt_logits() const { return true; }
  /// Called first when the prompt was fed, then each time when its tokens were. `runner` has no pass begun.
  /// @throws Error kCorrupt if the numbers are not finite; what callbacks throw.
  virtual Next next(Runner& runner, Sequence& sequence) = 0;
};

/// Alone, to its end.
inline void run(Generation& generation, Runner& runner, Sequence& sequence) {
  for (Next next = generation.next(runner, sequence); !next.tokens.empty();
       next = generation.next(runner, sequence)) {
    runner.advance(sequence, next.tokens, next.logits);
  }
}

}  // namespace moonbeam::tasks
