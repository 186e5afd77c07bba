#include "tasks/answer.h"

#include <utility>

#include "base/machine.h"
#include "tasks/prompts.h"

namespace moonbeam::tasks {

AnswerGeneration::AnswerGeneration(const Engine& engine, const QueryOptions& options)
    : engine_(engine), on_reasoned_(options.on_reasoned), text_(engine, options, {}, options.schema) {
  if (options.reasoning) reasoning_.emplace(engine, options);
}

Next AnswerGeneration::next(Runner& runner, Sequence& sequence) {
  if (!reasoning_) return answer(runner, sequence);
  if (between_.empty()) return think(runner, sequence);
  // What stands between reasoning and answer was fed.
  reasoning_.reset();
  result_.usage.prefill_ms += base::now_ms() - start_ms_;
  return answer(runner, sequence);
}

Next AnswerGeneration::think(Runner& runner, Sequence& sequence) {
  if (start_ms_ == 0) start_ms_ = base::now_ms();
  const Next next = reasoning_->next(runner, sequence);
  if (!next.tokens.empty()) return next;
  const double now = base::now_ms();
  result_.usage.decode_ms += now - start_ms_;
  start_ms_ = now;
  GeneratedReasoning& thought = reasoning_->result();
  result_.usage.output_tokens += static_cast<int>(thought.ids.size() + thought.bins.size());
  result_.reasoning = std::move(thought.reasoning);
  between_ = answer_prompt(engine_);
  if (thought.stopped || (on_reasoned_ && !on_reasoned_(*result_.reasoning))) {
    result_.finish = Finish::kStopped;
    return {};
  }
  if (room(engine_, sequence) < static_cast<int>(between_.size())) {
    text_.give_up();
    return finish();
  }
  result_.usage.prompt_tokens += static_cast<int>(between_.size());
  return {between_};
}

Next AnswerGeneration::answer(Runner& runner, Sequence& sequence) {
  const Next next = text_.next(runner, sequence);
  return !next.tokens.empty() ? next : finish();
}

Next AnswerGeneration::finish() {
  GeneratedText& text = text_.result();
  result_.answer = std::move(text.text);
  result_.finish = text.finish;
  result_.usage.output_tokens += static_cast<int>(text.ids.size());
  result_.usage.decode_ms += text.decode_ms;
  return {};
}

}  // namespace moonbeam::tasks
