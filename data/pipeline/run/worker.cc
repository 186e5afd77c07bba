#include "data/pipeline/run/worker.h"

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "data/llm/batch.h"
#include "data/llm/cache.h"
#include "data/llm/client.h"
#include "data/pipeline/run/exclusive.h"
#include "data/pipeline/run/lease.h"
#include "data/pipeline/run/run_stages.h"
#include "data/pipeline/run/stages.h"

namespace moonbeam::pipeline {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr auto kPoll = 50ms;
constexpr std::size_t kMostReport = std::size_t{256} << 20;
constexpr double kCommon = 0.05;  // of texts: data.md, M4
constexpr std::size_t kMostServers = std::size_t{1} << 20;

std::string prompts_folder(const RunRecipe& recipe) {
  return recipe.prompts.empty() ? find_prompts_folder().string() : recipe.prompts;
}
/// Openings that were too common in an earlier run (monitor M4), from what `data report --json` printed.
std::vector<std::string> openings_of(const std::string& report) {
  const Json value = Json::parse(base::read_file(report, kMostReport), nullptr, false);
  std::vector<std::string> out;
  try {
    for (const char* of : {"question_openers", "caption_openers"}) {
      for (const Json& row : value.at("run").at(of)) {
        if (row.at(1).get<double>() > kCommon) out.push_back(row.at(0));
      }
    }
  } catch (const Json::exception& error) {
    base::fail(ErrorCode::kInvalidArgument, report, ": expected what 'data report --json' prints, got ",
               error.what());
  }
  return out;
}

std::string words_folder(const RunRecipe& recipe) {
  return recipe.words.empty() ? find_words_folder().string() : recipe.words;
}

Json status_of(const llm::ClientStats& stats, int shard) {
  Json outcomes = Json::object();
  for (int i = 0; i < llm::kOutcomes; ++i) {
    if (const std::int64_t count = stats.outcomes[static_cast<std::size_t>(i)]; count != 0) {
      outcomes[std::string(llm::outcome_name(static_cast<llm::Outcome>(i)))] = count;
    }
  }
  return {{"process", process_name()},
          {"shard", shard},
          {"finished", stats.finished},
          {"from_cache", stats.from_cache},
          {"requests", stats.requests},
          {"retries", stats.retries},
          {"in_flight", stats.in_flight},
          {"waiting", stats.waiting},
          {"outcomes", outcomes},
          {"calls", stats.spent.calls},
          {"tokens", stats.spent.tokens()},
          {"money", stats.spent.money},
          {"gpu_seconds", stats.spent.gpu_seconds},
          {"stopped", stats.stopped}};
}

class Worker {
 public:
  Worker(const WorkerOptions& options, RunRecipe& recipe, const std::atomic<bool>& stop)
      : options_(options),
        recipe_(recipe),
        stop_(stop),
        plan_(read_plan(options.work)),
        name_(base::cat("worker-", options.rank)),
        prompts_(prompts_of(recipe)),
        lexicon_(words_folder(recipe)),
        corpus_(read_corpus(options.work)),
        context_{prompts_, lexicon_, recipe.roles, hash_text(plan_.pipeline), recipe.inputs.images, &corpus_},
        stages_(make_stages(recipe)) {
    if (recipe.identity(prompts_.sha256(), lexicon_.sha256()) != plan_.pipeline) {
      base::fail(ErrorCode::kInvalidArgument, options.work.root.string(),
                 ": was planned by another pipeline: prompts, words, models or thresholds have changed");
    }
    for (const char* folder : {"ledger", "status", "leases", "shards", "cache"}) {
      fs::create_directories(options.work.root / folder);
    }
    cache_.emplace(cache_folder(recipe, options.work),
                   base::cat(name_, recipe.cache.empty() ? "" : "-" + plan_.pipeline.substr(0, 12)));
    ledger_.emplace(options.work.ledger(name_).string(), plan_.pipeline.substr(0, 16));
    if (!options.batch.empty()) {
      llm::BatchOptions batch;
      batch.folder = options.batch;
      batch.prefix = name_;
      batch_.emplace(batch);
    }
    client_.emplace(client_options(recipe, options.work, options.of, batch_ ? &*batch_ : nullptr), &*cache_,
                    &*ledger_);
  }

  WorkerResult run() {
    std::thread watch([this] { this->watch(); });
    try {
      work();
    } catch (...) {
      end_watch();
      watch.join();
      throw;
    }
    end_watch();
    watch.join();
    cache_->sync();
    if (batch_) {
      batch_->finish();
      result_.batch_rows = batch_->rows();
      if (result_.end == WorkerResult::End::kDone && result_.batch_rows > 0) {
        result_.end = WorkerResult::End::kDeferred;
      }
    }
    write_status();
    return result_;
  }

 private:
  using End = WorkerResult::End;

  bool is_open(int shard) const {
    for (int chunk = 0; chunk < plan_.chunks_of(shard); ++chunk) {
      if (!is_committed(options_.work, shard, chunk)) return true;
    }
    return false;
  }

  void work() {
    std::vector<int> order;
    for (int shard = options_.rank; shard < plan_.shards; shard += options_.of) order.push_back(shard);
    for (int shard = 0; shard < plan_.shards; ++shard) {
      if (shard % options_.of != options_.rank) order.push_back(shard);
    }
    while (true) {
      bool open = false, worked = false;
      for (const int shard : order) {
        if (ended()) return;
        if (deferred_.contains(shard) || !is_open(shard)) continue;
        open = true;
        worked = work_on(shard) || worked;
      }
      if (ended() || !open) return;
      if (!worked && !options_.wait) {
        result_.end = End::kOthers;
        return;
      }
      for (int i = 0; i < 20 && !worked && !stop_; ++i) std::this_thread::sleep_for(kPoll);
    }
  }

  /// Set from outside or by the client.
  bool ended() {
    if (stop_) result_.end = End::kStopped;
    return result_.end != End::kDone;
  }

  /// @return whether it was ours
  bool work_on(int shard) {
    std::unique_ptr<Lease> lease = Lease::take(options_.work, shard, recipe_.lease_seconds);
    if (!lease) return false;
    remove_unfinished(options_.work.shard(shard).string());
    cache_->refresh();  // what a worker that is gone had asked for it
    {
      const std::lock_guard lock(mutex_);
      shard_ = shard;
      lease_ = lease.get();
    }
    std::exception_ptr failure;
    try {
      run_chunks(shard);
    } catch (...) {
      failure = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      lease_ = nullptr;
    }
    if (failure) std::rethrow_exception(failure);
    if (result_.end == End::kDone && !is_open(shard)) ++result_.shards;
    return true;
  }

  /// Some at once: while one waits for its slowest answer, another asks.
  void run_chunks(int shard) {
    std::atomic<int> next = 0;
    std::exception_ptr failure;
    const auto take = [&] {
      try {
        for (int chunk = next++; chunk < plan_.chunks_of(shard) && !stop_ && !refused(); chunk = next++) {
          if (!is_committed(options_.work, shard, chunk)) run_chunk(shard, chunk);
        }
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure) failure = std::current_exception();
        next = plan_.chunks_of(shard);
      }
    };
    std::vector<std::thread> threads;
    const int count = std::min(recipe_.chunks_at_once, plan_.chunks_of(shard));
    for (int i = 1; i < count; ++i) threads.emplace_back(take);
    take();
    for (std::thread& one : threads) one.join();
    if (failure) std::rethrow_exception(failure);
  }

  void run_chunk(int shard, int chunk) {
    std::vector<Record> records = read_input(options_.work, plan_, shard, chunk);
    const ChunkResult done =
        run_stages(records, stages_, context_, recipe_.attempts,
                   [this](std::vector<llm::Call> calls) { return client_->ask_all(std::move(calls)); });
    for (const Record& one : records) client_->forget_image(one.input.key);
    if (!done.complete) {
      const std::lock_guard lock(mutex_);
      if (done.deferred) {
        deferred_.insert(shard);
      } else if (!stop_ && result_.end == End::kDone) {
        result_.end = End::kRefused;
        const std::string stopped = client_->stats().stopped;
        result_.why = stopped.empty() ? done.why : stopped;
      }
      return;
    }
    cache_->sync();  // before the chunk: its answers are never asked for again, but a replay may want them
    if (commit_chunk(options_.work, shard, chunk, records)) {
      const std::lock_guard lock(mutex_);
      ++result_.chunks;
    }
  }

  bool refused() {
    const std::lock_guard lock(mutex_);
    return result_.end != End::kDone;
  }

  /// Keeps the lease, says how things stand, and hands the wish to stop on to the client.
  void watch() {
    const auto lease_every = std::chrono::duration<double>(recipe_.lease_seconds / 4);
    auto lease_at = std::chrono::steady_clock::now() + lease_every, status_at = lease_at - lease_every;
    bool stopped = false;
    for (std::unique_lock lock(mutex_); !quit_;) {
      ended_.wait_for(lock, kPoll, [this] { return quit_; });
      const auto now = std::chrono::steady_clock::now();
      if (lease_ != nullptr && now >= lease_at) {
        lease_->renew();
        lease_at = now + std::chrono::duration_cast<std::chrono::steady_clock::duration>(lease_every);
      }
      lock.unlock();
      if (stop_ && !stopped) {
        client_->stop("stopped", options_.grace_seconds * 1000);
        stopped = true;
      }
      if (now >= status_at) {
        write_status();
        status_at = now + 1s;
      }
      lock.lock();
    }
  }

  void end_watch() {
    const std::lock_guard lock(mutex_);
    quit_ = true;
    ended_.notify_all();
  }

  /// For people: nothing depends on it, so a full disk does not end the work here.
  void write_status() {
    try {
      replace_whole(options_.work.status(name_).string(), status_of(client_->stats(), shard_).dump() + "\n");
    } catch (const Error&) {
      return;
    }
  }

  const WorkerOptions options_;
  RunRecipe& recipe_;
  const std::atomic<bool>& stop_;
  const Plan plan_;
  const std::string name_;
  const Prompts prompts_;
  const Lexicon lexicon_;
  const CorpusStats corpus_;
  const Context context_;
  const std::vector<std::unique_ptr<Stage>> stages_;
  std::optional<llm::Cache> cache_;
  std::optional<llm::Ledger> ledger_;
  std::optional<llm::BatchWriter> batch_;
  std::optional<llm::Client> client_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool quit_ = false;
  Lease* lease_ = nullptr;
  std::atomic<int> shard_ = -1;
  std::set<int> deferred_;
  WorkerResult result_;
};

}  // namespace

WorkerResult run_worker(const WorkerOptions& options, RunRecipe& recipe, const std::atomic<bool>& stop) {
  return Worker(options, recipe, stop).run();
}

llm::ClientOptions client_options(const RunRecipe& recipe, const RunFolder& work, int workers,
                                  llm::BatchWriter* batch) {
  llm::ClientOptions out = recipe.client;
  out.budget.money /= workers;
  out.budget.gpu_hours /= workers;
  out.budget.calls = (out.budget.calls + workers - 1) / workers;
  out.budget.tokens = (out.budget.tokens + workers - 1) / workers;
  out.endpoints = llm::parse_endpoints(base::read_file(recipe.servers, kMostServers), recipe.servers);
  out.dialect_file = (work.root / "dialects.json").string();
  out.batch = batch;
  return out;
}

std::string cache_folder(const RunRecipe& recipe, const RunFolder& work) {
  return recipe.cache.empty() ? work.cache().string() : recipe.cache;
}

Prompts prompts_of(const RunRecipe& recipe) {
  Prompts out(prompts_folder(recipe));
  if (!recipe.openings.empty()) out.extend("openings", openings_of(recipe.openings));
  return out;
}

Lexicon words_of_run(const RunRecipe& recipe) {
  return Lexicon(words_folder(recipe));
}

std::string identity_of(const RunRecipe& recipe) {
  return recipe.identity(prompts_of(recipe).sha256(), words_of_run(recipe).sha256());
}

}  // namespace moonbeam::pipeline
