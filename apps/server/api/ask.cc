#include "server/api/ask.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include <moonbeam/error.h>

namespace moonbeam::server {

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

Clock::time_point deadline_of(const Request& request, std::optional<double> timeout_seconds) {
  // Beyond a day it cannot lower anything, and clocks cannot count it.
  if (!timeout_seconds || *timeout_seconds > 86'400) return request.deadline;
  const auto limit =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(*timeout_seconds));
  return std::min(request.deadline, request.received + limit);
}

Refusal refusal_of_submit(const Task& task) {
  try {
    throw;
  } catch (const Error& error) {
    // What a query cannot do is an option of it; the task itself every variant knows.
    if (error.code() == ErrorCode::kUnsupported && std::holds_alternative<QueryTask>(task))
      return {400, "unsupported_option", error.what()};
    return refusal_of(std::current_exception());
  } catch (...) {
    return refusal_of(std::current_exception());
  }
}

Refusal of_engine(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    // The weights are damaged: nothing that the one who asks could change.
    if (error.code() == ErrorCode::kCorrupt) return {500, "internal", error.what()};
    if (error.code() == ErrorCode::kExhausted && error.what() == std::string("out of memory"))
      return {503, "out_of_memory", error.what()};
    return refusal_of(thrown);
  } catch (...) {
    return refusal_of(thrown);
  }
}

std::optional<Refusal> refusal_of_outcome(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kAnswer:
      return std::nullopt;
    case Outcome::Kind::kDeadline:
      return Refusal(504, "deadline_exceeded", "the request's time is over");
    case Outcome::Kind::kShutDown:
      return Refusal(503, "shutting_down", "the server stops");
    case Outcome::Kind::kCancelled:
      return Refusal(499, "client_closed", "the reader went away");
    case Outcome::Kind::kError:
      break;
  }
  return of_engine(outcome.error);
}

/// One request in work.
struct Asking {
  std::shared_ptr<Exchange> exchange;
  std::function<void(Answered)> answered;
  Account account = {};
  std::size_t max_objects = 0;
  double first_token_ms = 0;

  void saw(const Progress& progress) {
    if (progress.stage == Progress::Stage::kDecode && first_token_ms == 0)
      first_token_ms = ms_since(exchange->request().received);
  }

  void read(const CaptionResult& result) { read(result.usage, result.finish == Finish::kLength); }
  void read(const QueryResult& result) { read(result.usage, result.finish == Finish::kLength); }
  void read(const DetectResult& result) { read(result.usage, result.objects.size() == max_objects); }
  void read(const PointResult& result) { read(result.usage, result.points.size() == max_objects); }
  void read(const Usage& usage, bool cut) {
    account.prompt_tokens = usage.prompt_tokens;
    account.output_tokens = usage.output_tokens;
    account.prefill_ms = usage.prefill_ms;
    account.decode_ms = usage.decode_ms;
    account.finish = cut ? "length" : "stop";
  }

  void end(Outcome outcome) {
    Answered out;
    account.queue_ms = outcome.queue_ms;
    account.encode_ms = outcome.encode_ms;
    account.cached = outcome.cached;
    out.refusal = refusal_of_outcome(outcome);
    if (out.refusal) {
      account.code = out.refusal->code;
    } else {
      std::visit([this](const auto& result) { read(result); }, outcome.result);
      // An answer without a token had its first at its end.
      account.first_token_ms = first_token_ms > 0 ? first_token_ms : ms_since(exchange->request().received);
    }
    exchange->account(account);
    if (outcome.kind == Outcome::Kind::kCancelled) return;
    out.outcome = std::move(outcome);
    out.account = account;
    answered(std::move(out));
  }
};

template <typename Options>
void watch(Options& options, const std::shared_ptr<Asking>& asking) {
  options.progress = [told = std::move(options.progress), asking](const Progress& progress) {
    asking->saw(progress);
    return !told || told(progress);
  };
}

std::size_t max_objects(const Task& task) {
  if (const auto* detect = std::get_if<DetectTask>(&task))
    return static_cast<std::size_t>(detect->options.max_objects);
  if (const auto* point = std::get_if<PointTask>(&task))
    return static_cast<std::size_t>(point->options.max_objects);
  return 0;
}

}  // namespace

const char* task_name(const Task& task) noexcept {
  constexpr const char* kNames[] = {"caption", "query", "detect", "point"};
  return kNames[task.index()];
}

void ask(Service& service, const std::shared_ptr<Exchange>& exchange, Asked asked,
         std::function<void(Answered)> answered) {
  const Request& request = exchange->request();
  auto asking = std::make_shared<Asking>(Asking{.exchange = exchange, .answered = std::move(answered)});
  asking->account.task = task_name(asked.task);
  asking->max_objects = max_objects(asked.task);
  if (asked.picture) {
    asking->account.picture = true;
    asking->account.pixels = asked.picture->pixels();
    asking->account.image_decode_ms = asked.picture->decode_ms;
  }
  TaskRequest task{.task = asked.task,
                   .client = request.client,
                   .deadline = deadline_of(request, asked.timeout_seconds),
                   .on_end = [asking](Outcome outcome) { asking->end(std::move(outcome)); }};
  std::visit([&asking](auto& of) { watch(of.options, asking); }, task.task);
  Scheduler& scheduler = service.scheduler();
  Scheduler::Id id = 0;
  try {
    id = asked.picture ? scheduler.submit(std::move(task), asked.picture->image)
                       : scheduler.submit(std::move(task));
  } catch (...) {
    throw refusal_of_submit(asked.task);
  }
  exchange->on_gone([&scheduler, id] { scheduler.cancel(id); });
}

JsonOut metrics_of(const Account& account) {
  JsonOut out = {
      {"input_tokens", account.prompt_tokens},          {"output_tokens", account.output_tokens},
      {"prefill_time_ms", rounded(account.prefill_ms)}, {"decode_time_ms", rounded(account.decode_ms)},
      {"ttft_ms", rounded(account.first_token_ms)},     {"encode_time_ms", rounded(account.encode_ms)},
      {"queue_time_ms", rounded(account.queue_ms)}};
  if (account.cached) out["cached"] = true;
  return out;
}

void refuse(const std::shared_ptr<Exchange>& exchange, const Refusal& refusal, Account account) {
  account.code = refusal.code;
  exchange->account(std::move(account));
  exchange->send(error_response(refusal, exchange->request().path));
}

void or_refuse(const std::shared_ptr<Exchange>& exchange, const std::string& task,
               const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    refuse(exchange, refusal_of(std::current_exception()), {.task = task});
  }
}

}  // namespace moonbeam::server
