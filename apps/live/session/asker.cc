#include "live/session/asker.h"

#include <memory>
#include <thread>
#include <utility>

namespace moonbeam::live {

namespace {

/// Callbacks of one question, with what was told already.
class Telling {
 public:
  Telling(AskCallbacks callbacks, std::chrono::milliseconds delay)
      : callbacks_(std::move(callbacks)), delay_(delay) {}

  void begin() {
    if (std::exchange(begun_, true)) return;
    if (callbacks_.on_begin) callbacks_.on_begin();
    if (delay_.count() > 0) std::this_thread::sleep_for(delay_);
  }
  void first_token() {
    begin();
    if (std::exchange(answering_, true)) return;
    if (callbacks_.on_first_token) callbacks_.on_first_token();
  }
  void text(std::string_view piece) {
    first_token();
    if (callbacks_.on_text) callbacks_.on_text(piece);
  }
  void end(End end) {
    if (end.kind == End::Kind::kAnswer) first_token();
    if (callbacks_.on_end) callbacks_.on_end(std::move(end));
  }

 private:
  const AskCallbacks callbacks_;
  const std::chrono::milliseconds delay_;
  bool begun_ = false, answering_ = false;
};

std::string finish_name(Finish finish) {
  return finish == Finish::kLength ? "length" : "stop";
}

void read_usage(const Usage& usage, Answer& out) {
  out.timing.prefill_ms = usage.prefill_ms;
  out.timing.decode_ms = usage.decode_ms;
  out.timing.tokens = usage.output_tokens;
}

void read(CaptionResult& result, Answer& out) {
  out.skill = Skill::kCaption;
  out.text = std::move(result.caption);
  out.finish = finish_name(result.finish);
}
void read(QueryResult& result, Answer& out) {
  out.skill = Skill::kQuery;
  out.text = std::move(result.answer);
  out.finish = finish_name(result.finish);
}
void read(DetectResult& result, Answer& out) {
  out.skill = Skill::kDetect;
  out.boxes = std::move(result.objects);
}
void read(PointResult& result, Answer& out) {
  out.skill = Skill::kPoint;
  out.points = std::move(result.points);
}

void read_error(const std::exception_ptr& error, End& out) {
  out.code = "server_error";
  try {
    if (error) std::rethrow_exception(error);
  } catch (const Error& known) {
    if (known.code() == ErrorCode::kExhausted) out.code = "exhausted";
    out.message = known.what();
  } catch (const std::exception& other) {
    out.message = other.what();
  }
}

End end_of(Outcome outcome) {
  End out;
  switch (outcome.kind) {
    case Outcome::Kind::kAnswer:
      std::visit(
          [&](auto& result) {
            read_usage(result.usage, out.answer);
            read(result, out.answer);
          },
          outcome.result);
      out.answer.cached = outcome.cached;
      out.answer.timing.queue_ms = outcome.queue_ms;
      out.answer.timing.encode_ms = outcome.encode_ms;
      break;
    case Outcome::Kind::kCancelled:
      out.kind = End::Kind::kCancelled;
      break;
    case Outcome::Kind::kDeadline:
      out = {.kind = End::Kind::kError,
             .code = "timeout",
             .message = "the answer took longer than the server allows"};
      break;
    case Outcome::Kind::kShutDown:
      out = {.kind = End::Kind::kError, .code = "shutting_down", .message = "the server stops"};
      break;
    case Outcome::Kind::kError:
      out.kind = End::Kind::kError;
      read_error(outcome.error, out);
      break;
  }
  return out;
}

template <typename Options>
Options text_options(const Task& task, const std::shared_ptr<Telling>& telling) {
  Options out;
  out.max_tokens = task.max_tokens;
  out.on_text = [telling](std::string_view piece) { return telling->text(piece), true; };
  out.progress = [telling](const Progress&) { return telling->begin(), true; };
  return out;
}

ObjectOptions object_options(const std::shared_ptr<Telling>& telling) {
  ObjectOptions out;
  out.clamp = true;
  out.progress = [telling](const Progress& progress) {
    progress.stage == Progress::Stage::kDecode ? telling->first_token() : telling->begin();
    return true;
  };
  return out;
}

}  // namespace

Asker::Id SchedulerAsker::ask(const Task& task, const Image& image, const std::string& client,
                              AskCallbacks callbacks) {
  const auto telling = std::make_shared<Telling>(std::move(callbacks), delay_);
  TaskRequest request{.task = CaptionTask{}, .client = client, .on_end = [telling](Outcome outcome) {
                        telling->end(end_of(std::move(outcome)));
                      }};
  switch (task.skill) {
    case Skill::kCaption: {
      CaptionTask caption{text_options<CaptionOptions>(task, telling)};
      caption.options.length = task.length;
      request.task = std::move(caption);
      break;
    }
    case Skill::kQuery:
      request.task = QueryTask{task.question, text_options<QueryOptions>(task, telling)};
      break;
    case Skill::kDetect:
      request.task = DetectTask{task.object, object_options(telling)};
      break;
    case Skill::kPoint:
      request.task = PointTask{task.object, object_options(telling)};
      break;
  }
  if (timeout_.count() > 0) request.deadline = std::chrono::steady_clock::now() + timeout_;
  return scheduler_.submit(std::move(request), image);
}

Asker::Load SchedulerAsker::load() const {
  const SchedulerStats stats = scheduler_.stats();
  return {.queued = stats.queued, .running = stats.running};
}

}  // namespace moonbeam::live
