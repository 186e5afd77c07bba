// A question from the end of its prompt to the end of its answer, thinking first where it was asked to.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <moonbeam/types.h>

#include "tasks/generate.h"
#include "tasks/generation.h"

namespace moonbeam::tasks {

class AnswerGeneration final : public Generation {
 public:
  /// @throws Error kInvalidArgument (options).
  AnswerGeneration(const Engine& engine, const QueryOptions& options);
  Next next(Runner& runner, Sequence& sequence) override;
  /// `usage` lacks what was before the first next().
  QueryResult& result() noexcept { return result_; }

 private:
  Next think(Runner& runner, Sequence& sequence);
  Next answer(Runner& runner, Sequence& sequence);
  Next finish();

  const Engine& engine_;
  std::optional<ReasoningGeneration> reasoning_;
  const std::function<bool(const Reasoning&)> on_reasoned_;
  TextGeneration text_;
  double start_ms_ = 0;  // of what is measured now
  std::vector<Token> between_;
  QueryResult result_;
};

}  // namespace moonbeam::tasks
