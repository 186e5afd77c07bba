#include "tasks/scheduler_job.h"

#include <utility>

#include "base/error.h"
#include "base/machine.h"
#include "tasks/answer.h"
#include "tasks/objects.h"
#include "tasks/prompts.h"

namespace moonbeam::tasks {

namespace {

/// Turns what a callback throws into a false, which every generation understands, and keeps it; a request
/// that was cancelled calls no more. Copies share one callback, which may have a state.
template <typename Argument>
std::function<bool(Argument)> guarded(std::function<bool(Argument)> call, Job& job) {
  auto shared = std::make_shared<std::function<bool(Argument)>>(std::move(call));
  return [shared, &job](Argument argument) {
    if (job.cancelled) return false;
    try {
      return !*shared || (*shared)(argument);
    } catch (...) {
      job.thrown = std::current_exception();
      return false;
    }
  };
}

void add(Usage& usage, const Ended& ended) {
  usage.prompt_tokens += ended.prompt_tokens;
  usage.prefill_ms += ended.prefill_ms;
}

// One overload for each task sets the prompt, the generation and its reader.
class Preparation {
 public:
  Preparation(const Engine& engine, Job& job, bool with_picture)
      : engine_(engine), job_(job), with_picture_(with_picture) {}

  void operator()(CaptionTask& task) {
    need_picture("caption");
    job_.prompt = caption_prompt(engine_, task.options.length);
    guard(task.options);
    auto generation = std::make_unique<TextGeneration>(engine_, task.options);
    job_.read = [&text = generation->result()](const Ended& ended, Outcome& out) {
      CaptionResult result{std::move(text.text), text.finish, {}};
      result.usage.output_tokens = static_cast<int>(text.ids.size());
      result.usage.decode_ms = text.decode_ms;
      add(result.usage, ended);
      if (ended.stopped) result.finish = Finish::kStopped;
      out.result = std::move(result);
    };
    job_.generation = std::move(generation);
  }

  void operator()(QueryTask& task) {
    QueryOptions& options = task.options;
    job_.prompt = with_picture_ ? query_prompt(engine_, task.question, options)
                                : text_query_prompt(engine_, task.question, options);
    guard(options);
    options.on_reasoning = guarded(std::move(options.on_reasoning), job_);
    options.on_reasoned = guarded(std::move(options.on_reasoned), job_);
    auto generation = std::make_unique<AnswerGeneration>(engine_, options);
    job_.read = [&answer = generation->result()](const Ended& ended, Outcome& out) {
      QueryResult result = std::move(answer);
      add(result.usage, ended);
      if (ended.stopped) result.finish = Finish::kStopped;
      out.result = std::move(result);
    };
    job_.generation = std::move(generation);
  }

  void operator()(DetectTask& task) {
    need_picture("detect");
    job_.prompt = detect_prompt(engine_, task.object);
    objects(task.options, true, [clamped = task.options.clamp](const auto& found, Usage usage, Outcome& out) {
      DetectResult result{{}, usage};
      for (const DecodedObject& object : found)
        result.objects.push_back(clamped ? clamp(to_box(object)) : to_box(object));
      out.result = std::move(result);
    });
  }

  void operator()(PointTask& task) {
    need_picture("point");
    job_.prompt = point_prompt(engine_, task.object);
    objects(task.options, false,
            [clamped = task.options.clamp](const auto& found, Usage usage, Outcome& out) {
              PointResult result{{}, usage};
              for (const DecodedObject& object : found)
                result.points.push_back(clamped ? clamp(to_point(object)) : to_point(object));
              out.result = std::move(result);
            });
  }

 private:
  void need_picture(const char* task) const {
    if (!with_picture_) base::fail(ErrorCode::kInvalidArgument, task, ": expected a picture");
  }

  void guard(TextOptions& options) {
    options.on_text = guarded(std::move(options.on_text), job_);
    options.progress = job_.progress = guarded(std::move(options.progress), job_);
  }

  template <typename Read>
  void objects(ObjectOptions& options, bool with_size, Read read) {
    check(options);
    // The generation does not measure itself: the last word about the prompt is when it begins.
    auto begun_ms = std::make_shared<double>(0);
    const ProgressFn told = guarded(std::move(options.progress), job_);
    job_.progress = [told, begun_ms](const Progress& far) {
      *begun_ms = base::now_ms();
      return told(far);
    };
    auto generation = std::make_unique<ObjectGeneration>(engine_, with_size, options.max_objects, told,
                                                         RegionLogitsFn{}, object_start(options));
    job_.read = [&found = generation->result(), read, begun_ms, with_size](const Ended& ended, Outcome& out) {
      Usage usage;
      add(usage, ended);
      if (!ended.stopped) usage.decode_ms = base::now_ms() - *begun_ms;
      usage.output_tokens = object_tokens(found.size(), with_size);
      read(found, usage, out);
    };
    job_.generation = std::move(generation);
  }

  const Engine& engine_;
  Job& job_;
  const bool with_picture_;
};

}  // namespace

std::shared_ptr<Job> make_job(const Engine& engine, TaskRequest request, bool with_picture) {
  auto job = std::make_shared<Job>();
  job->client = std::move(request.client);
  job->deadline = request.deadline;
  job->on_end = std::move(request.on_end);
  std::visit(Preparation(engine, *job, with_picture), request.task);
  return job;
}

}  // namespace moonbeam::tasks
