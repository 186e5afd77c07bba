// moonbeam data run, work, submit, answers: the pipeline as processes. What it does is data/pipeline's.
#include <moonbeam/error.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "cli/data_run.h"
#include "cli/errors.h"
#include "cli/picture_encoder.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/sink.h"
#include "cli/text.h"
#include "cli/tools.h"
#include "data/llm/batch.h"
#include "data/llm/cache.h"
#include "data/llm/transport.h"
#include "data/pipeline/run/local.h"
#include "data/pipeline/run/slurm.h"
#include "data/pipeline/run/worker.h"

namespace moonbeam::cli {

namespace {

using pipeline::RunFolder;
using pipeline::WorkerResult;

constexpr int kStartAgain = 75;     // EX_TEMPFAIL, ruling 17
constexpr int kExitStoppedRun = 6;  // resources or budget exhausted
constexpr double kLineMs = 10'000;  // between lines of progress where standard error is no terminal

std::string self() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "moonbeam" : path.string();
}

pipeline::Plan plan_of(const Options& options, const RunFolder& work) {
  pipeline::RunRecipe recipe = pipeline::read_run_recipe(options.pipeline.recipe);
  check_picture_model(recipe);
  const pipeline::Plan plan = pipeline::make_plan(work, recipe, pipeline::identity_of(recipe));
  if (!options.output.quiet) {
    std::string refused;
    for (const auto& [reason, count] : plan.refused) {
      refused += (refused.empty() ? "; passed over: " : ", ") + reason + " " + std::to_string(count);
    }
    complain("note: plan of " + grouped(plan.pictures) + " pictures in " + std::to_string(plan.shards) +
             " shards" + refused);
  }
  return plan;
}

/// A line that is drawn over on a terminal, else one now and then.
class RunProgress {
 public:
  explicit RunProgress(const OutputArgs& output)
      : line_(shows_progress(output)), plain_(!output.quiet && !stderr_is_terminal()) {}
  ~RunProgress() { clear(); }
  void tell(const pipeline::RunView& view) {
    const std::string text = pipeline::run_line(view);
    if (line_) {
      draw(text);
    } else if (plain_ && now_ms() - last_ms_ > kLineMs) {
      last_ms_ = now_ms();
      complain("note: " + text);
    }
  }
  void clear() {
    if (drawn_) std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }

 private:
  void draw(const std::string& text) {
    std::fputs(("\r\033[K" + text).c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
  }
  bool line_, plain_, drawn_ = false;
  double last_ms_ = now_ms();
};

nlohmann::ordered_json summary_of(const pipeline::RunView& view) {
  const pipeline::ChunkCounts& counts = view.standing.counts;
  return {{"pictures", view.pictures},     {"done", counts.pictures},     {"ok", counts.ok},
          {"rejected", counts.rejected},   {"failed", counts.failed},     {"reasons", counts.reasons},
          {"claims", counts.claims},       {"accepted", counts.accepted}, {"captions", counts.captions},
          {"pairs", counts.pairs},         {"regions", counts.regions},   {"calls", view.calls},
          {"from_cache", view.from_cache}, {"retries", view.retries},     {"failures", view.failures},
          {"tokens", view.tokens},         {"money", view.money},         {"gpu_seconds", view.gpu_seconds},
          {"seconds", view.seconds}};
}

void complain_of(const WorkerResult& result, const PipelineArgs& args) {
  switch (result.end) {
    case WorkerResult::End::kDone:
    case WorkerResult::End::kOthers:
      return;
    case WorkerResult::End::kStopped:
      complain("note: stopped; nothing is lost, the same command goes on");
      return;
    case WorkerResult::End::kRefused:
      complain("worker " + std::to_string(args.rank) + ": " + result.why);
      return;
    case WorkerResult::End::kDeferred:
      complain("note: " + grouped(result.batch_rows) + " calls in " + args.batch +
               "; give them to the service, take its results in with 'data answers', and run again");
      return;
  }
}

}  // namespace

int run_data_work(const Options& options) {
  const PipelineArgs& args = options.pipeline;
  pipeline::WorkerOptions worker;
  worker.work.root = args.work;
  worker.rank = args.rank;
  worker.of = args.of;
  worker.wait = !args.no_wait;
  worker.batch = args.batch;
  llm::raise_descriptor_limit();
  // The recipe as it was planned; its paths are of the folder that it was read from.
  pipeline::RunRecipe recipe = pipeline::planned_recipe(worker.work);
  std::atomic<bool> stop = false, over = false;
  std::thread signals([&] {
    while (!over && carry_on()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!carry_on()) stop = true;
  });
  WorkerResult result;
  std::exception_ptr failure;
  try {
    result = pipeline::run_worker(worker, recipe, stop);
  } catch (...) {
    failure = std::current_exception();
  }
  over = true;
  signals.join();
  if (failure) std::rethrow_exception(failure);
  if (!options.output.quiet || result.end == WorkerResult::End::kRefused) complain_of(result, args);
  return result.end == WorkerResult::End::kStopped   ? kStartAgain
         : result.end == WorkerResult::End::kRefused ? kExitStoppedRun
                                                     : kExitOk;
}

int run_data_run(const Options& options) {
  const PipelineArgs& args = options.pipeline;
  const RunFolder work{args.work};
  const pipeline::Plan plan = plan_of(options, work);
  if (args.again) pipeline::reopen_failed(work, plan);
  std::vector<std::string> command = {
      self(), "data", "work", "--work", args.work, "--of", std::to_string(args.workers)};
  if (!args.batch.empty()) command.insert(command.end(), {"--batch", args.batch});
  if (options.output.quiet) command.push_back("--quiet");
  pipeline::RunView last;
  pipeline::LocalEnd end;
  {
    RunProgress progress(options.output);
    end = pipeline::run_locally(
        command, args.workers, work, plan, [] { return !carry_on(); },
        [&](const pipeline::RunView& view) {
          last = view;
          progress.tell(view);
        });
  }
  if (options.output.json) {  // one line for the map, one for what follows it
    StdoutSink().write(summary_of(last).dump() + "\n");
  } else if (!options.output.quiet) {
    complain("note: " + pipeline::run_line(last));
  }
  if (!carry_on()) return signal_status();
  if (end.whole) {
    if (!args.no_finish) finish_run(args.work, options.output, args.workers);
    return kExitOk;
  }
  if (end.status == 0 && !args.batch.empty()) return kExitOk;
  complain("the run is not whole: " + std::to_string(last.standing.open_shards.size()) + " of " +
           std::to_string(plan.shards) + " shards are open; the same command goes on");
  return end.status == 0 ? kExitStoppedRun : end.status;
}

int run_data_submit(const Options& options) {
  const PipelineArgs& args = options.pipeline;
  if (!args.slurm)
    throw Error(ErrorCode::kInvalidArgument, "data submit: --slurm is needed: there is no other way");
  const RunFolder work{args.work};
  const pipeline::Plan plan = plan_of(options, work);
  pipeline::SlurmOptions slurm;
  slurm.program = self();
  slurm.tasks = args.tasks;
  slurm.most_array = args.most_array > 0 ? args.most_array : pipeline::site_array_size();
  slurm.finish = !args.no_finish;
  slurm.options = args.sbatch;
  const pipeline::SlurmPlan jobs = pipeline::plan_slurm(work, plan, slurm);
  if (jobs.commands.empty()) {
    if (!options.output.quiet) complain("note: nothing is missing");
    return kExitOk;
  }
  if (args.print) {
    std::string text;
    for (const std::vector<std::string>& words : jobs.commands) {
      for (const std::string& word : words) text += word + (&word == &words.back() ? "\n" : " ");
    }
    StdoutSink().write(text);
    return kExitOk;
  }
  std::string ids;
  for (const std::string& id : pipeline::submit_slurm(jobs)) ids += id + "\n";
  StdoutSink().write(ids);
  return kExitOk;
}

int run_data_answers(const Options& options) {
  const PipelineArgs& args = options.pipeline;
  const RunFolder work{args.work};
  const pipeline::RunRecipe recipe = pipeline::planned_recipe(work);
  llm::Cache cache(pipeline::cache_folder(recipe, work), "answers");
  const llm::BatchCounts counts = llm::read_batch(args.results, args.calls, cache, nullptr, {});
  cache.sync();
  const nlohmann::ordered_json all = {{"rows", counts.rows},       {"stored", counts.stored},
                                      {"known", counts.known},     {"answers", counts.answers},
                                      {"failed", counts.failed},   {"unknown", counts.unknown},
                                      {"damaged", counts.damaged}, {"missing", counts.missing}};
  if (options.output.json) {
    StdoutSink().write(all.dump() + "\n");
  } else if (!options.output.quiet) {
    complain("note: " + grouped(counts.stored) + " of " + grouped(counts.rows) + " rows are new; " +
             grouped(counts.failed) + " failed, " + grouped(counts.missing) + " are missing");
  }
  return kExitOk;
}

}  // namespace moonbeam::cli
