// The public Scheduler: one thread that drives a Batch, and queues with turns in front of it. One mutex
// guards what several threads see; callbacks, the engine and the cutting of pictures are outside it.
#include <moonbeam/scheduler.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "tasks/engine.h"
#include "tasks/out_of_memory.h"
#include "tasks/picture_store.h"
#include "tasks/scheduler_job.h"
#include "tasks/scheduler_turns.h"

namespace moonbeam {

using tasks::Engine;
using tasks::Job;
using tasks::PictureJob;
using tasks::SharedPicture;
using tasks::TimePoint;
using Kind = Outcome::Kind;
using JobPtr = std::shared_ptr<Job>;

namespace {

// Of the newest answer in the mean time of service.
constexpr double kNewest = 0.1;
// Advised where nothing has been measured yet.
constexpr double kFirstWaitMs = 1000;

const SchedulerOptions& checked(const SchedulerOptions& options) {
  if (options.parallel < 1 || options.parallel > ops::kDecodeRows) {
    base::fail(ErrorCode::kInvalidArgument, "parallel: expected 1 to ", ops::kDecodeRows, ", got ",
               options.parallel);
  }
  if (options.max_queue < 0) {
    base::fail(ErrorCode::kInvalidArgument, "max_queue: expected at least 0, got ", options.max_queue);
  }
  return options;
}

double ms_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

Outcome without_answer(Kind kind) {
  const char* reason = kind == Kind::kDeadline   ? "the request's deadline has passed"
                       : kind == Kind::kShutDown ? "shut down before the request had its answer"
                                                 : "the request was cancelled";
  return {.kind = kind, .error = std::make_exception_ptr(Error(ErrorCode::kCancelled, reason))};
}

// Memory that could not be had, from inside the engine.
std::exception_ptr public_error(const std::exception_ptr& error) {
  try {
    tasks::or_exhausted([&] { std::rethrow_exception(error); });
  } catch (...) {
    return std::current_exception();
  }
  return error;
}

}  // namespace

struct Scheduler::Impl {
  Impl(std::shared_ptr<const Engine> with, const SchedulerOptions& chosen);

  // Any thread.
  Id submit(TaskRequest request, const Image* image);
  bool cancel(Id id);
  void stop(std::chrono::milliseconds drain);
  SchedulerStats stats() const;

  // Any thread, with the mutex.
  void check_room();
  std::shared_ptr<SharedPicture> find_picture(const std::string& key);
  void share_picture(Job& job, const std::string& key, std::unique_lock<std::mutex>& lock,
                     const Image& image);
  bool idle() const { return waiting.empty() && running.empty() && over.empty(); }

  // The worker.
  void work();
  void collect_over(TimePoint now);
  std::vector<JobPtr> admit(TimePoint now);
  void keep_pictures();
  void start(const JobPtr& job);
  void take_step();
  void answer(const JobPtr& job, const tasks::Ended& ended);
  void end(const JobPtr& job, Outcome outcome);

  TimePoint now() const { return options.now ? options.now() : std::chrono::steady_clock::now(); }

  const std::shared_ptr<const Engine> engine;
  const SchedulerOptions options;
  tasks::Batch batch;  // the worker's alone

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable wake, finished;
  tasks::Turns<JobPtr> waiting;
  std::map<Id, JobPtr> running;
  std::vector<std::pair<JobPtr, Kind>> over;  // to be told by the worker
  tasks::PictureStore store;
  std::map<std::string, std::weak_ptr<SharedPicture>> makings;
  Id last_id = 0;
  SchedulerStats counts;
  bool stopping = false, has_finished = false;
  TimePoint stop_at = TimePoint::max();

  std::thread worker;
};

Scheduler::Impl::Impl(std::shared_ptr<const Engine> with, const SchedulerOptions& chosen)
    : engine(std::move(with)),
      options(checked(chosen)),
      batch(engine, {.streams = chosen.parallel}),
      store(chosen.image_cache) {}

// --- Any thread --------------------------------------------------------------------------------------------

Scheduler::Id Scheduler::Impl::submit(TaskRequest request, const Image* image) {
  {
    // Whoever cannot be served hears so before there is work for it.
    const std::lock_guard guard(mutex);
    check_room();
  }
  const JobPtr job = tasks::make_job(*engine, std::move(request), image != nullptr);
  const std::string key = image != nullptr ? tasks::picture_key(*engine, *image) : std::string();
  job->submitted = now();
  std::unique_lock lock(mutex);
  if (image != nullptr) share_picture(*job, key, lock, *image);
  check_room();
  job->id = ++last_id;
  waiting.add(job->client, job);
  wake.notify_one();
  return job->id;
}

// Those in work and those who wait together: the worker may be about to move some.
void Scheduler::Impl::check_room() {
  if (stopping) base::fail(ErrorCode::kCancelled, "shutting down: no more requests are taken");
  const std::size_t room =
      static_cast<std::size_t>(options.parallel) + static_cast<std::size_t>(options.max_queue);
  if (waiting.size() + running.size() < room) return;
  ++counts.rejected;
  const double mean = counts.mean_service_ms > 0 ? counts.mean_service_ms : kFirstWaitMs;
  const double wait = mean * static_cast<double>(waiting.size() + 1) / options.parallel;
  throw QueueFull(
      base::cat("the queue is full: ", running.size(), " requests run, ", waiting.size(), " wait"), wait);
}

std::shared_ptr<SharedPicture> Scheduler::Impl::find_picture(const std::string& key) {
  if (const auto making = makings.find(key); making != makings.end()) {
    if (auto picture = making->second.lock()) {
      ++counts.images.waits;
      return picture;
    }
  }
  tasks::PictureStore::Found found = store.find(key);
  if (!found.picture) return nullptr;
  return std::make_shared<SharedPicture>(SharedPicture{.job = nullptr, .encoded = std::move(found.picture)});
}

void Scheduler::Impl::share_picture(Job& job, const std::string& key, std::unique_lock<std::mutex>& lock,
                                    const Image& image) {
  job.picture = find_picture(key);
  if (!job.picture) {
    const auto embeddings = store.find(key).embeddings;
    lock.unlock();
    auto made = embeddings ? std::make_shared<PictureJob>(engine, embeddings)
                           : std::make_shared<PictureJob>(engine, image);
    lock.lock();
    job.picture = find_picture(key);  // somebody may have been quicker
    if (!job.picture) {
      embeddings ? ++counts.images.refills : ++counts.images.misses;
      job.picture =
          std::make_shared<SharedPicture>(SharedPicture{.job = std::move(made), .encoded = nullptr});
      makings[key] = job.picture;
      return;
    }
  }
  ++counts.images.hits;
  job.cached = true;
}

bool Scheduler::Impl::cancel(Id id) {
  const std::lock_guard guard(mutex);
  if (const auto found = running.find(id); found != running.end()) {
    return !found->second->cancelled.exchange(true);
  }
  const auto taken = waiting.take_if([&](const JobPtr& job) { return job->id == id; });
  if (taken.empty()) return false;
  over.emplace_back(taken.front(), Kind::kCancelled);
  wake.notify_one();
  return true;
}

void Scheduler::Impl::stop(std::chrono::milliseconds drain) {
  const TimePoint limit = now() + drain;
  std::unique_lock lock(mutex);
  stopping = true;
  stop_at = std::min(stop_at, limit);
  wake.notify_one();
  if (std::this_thread::get_id() == worker.get_id()) return;
  finished.wait(lock, [&] { return has_finished; });
}

SchedulerStats Scheduler::Impl::stats() const {
  const std::lock_guard guard(mutex);
  SchedulerStats out = counts;
  out.queued = static_cast<int>(waiting.size());
  out.running = static_cast<int>(running.size());
  out.images.pictures = store.pictures();
  out.images.bytes = store.bytes();
  out.images.budget = store.budget();
  return out;
}

// --- The worker --------------------------------------------------------------------------------------------

// A place is always free where somebody waits and nobody runs, so there is no sleep with a limit: deadlines
// and the end of draining are looked at before every step.
void Scheduler::Impl::work() {
  std::unique_lock lock(mutex);
  while (true) {
    wake.wait(lock, [&] { return stopping || !idle(); });
    if (idle()) break;
    lock.unlock();
    const TimePoint time = now();
    lock.lock();
    collect_over(time);
    const std::vector<JobPtr> begin = admit(time);
    const auto tell = std::exchange(over, {});
    lock.unlock();
    for (const auto& [job, kind] : tell) end(job, without_answer(kind));
    for (const JobPtr& job : begin) start(job);
    take_step();
    lock.lock();
    keep_pictures();
  }
  has_finished = true;
  finished.notify_all();
}

void Scheduler::Impl::collect_over(TimePoint now) {
  const bool stopped = now >= stop_at;
  const auto late = [&](const JobPtr& job) { return now >= job->deadline; };
  for (JobPtr& job : waiting.take_if([&](const JobPtr& job) { return stopped || late(job); })) {
    const Kind kind = late(job) ? Kind::kDeadline : Kind::kShutDown;
    over.emplace_back(std::move(job), kind);
  }
  for (auto place = running.begin(); place != running.end();) {
    const JobPtr job = place->second;
    if (!stopped && !job->cancelled && !late(job)) {
      ++place;
      continue;
    }
    batch.cancel(job->batch_id);
    over.emplace_back(job, job->cancelled ? Kind::kCancelled : late(job) ? Kind::kDeadline : Kind::kShutDown);
    place = running.erase(place);
  }
}

std::vector<JobPtr> Scheduler::Impl::admit(TimePoint now) {
  std::vector<JobPtr> out;
  while (!waiting.empty() && running.size() < static_cast<std::size_t>(options.parallel)) {
    const JobPtr job = waiting.next();
    job->started = now;
    running[job->id] = job;
    out.push_back(job);
  }
  return out;
}

// Pictures that are ready go to the cache, those that nobody wants or that failed are forgotten.
void Scheduler::Impl::keep_pictures() {
  for (auto making = makings.begin(); making != makings.end();) {
    const auto picture = making->second.lock();
    const bool ready = picture && picture->job->result();
    if (ready) store.put(making->first, picture->job->result(), picture->job->embeddings());
    making = !picture || ready || picture->error ? makings.erase(making) : std::next(making);
  }
}

void Scheduler::Impl::start(const JobPtr& job) {
  try {
    if (job->picture && job->picture->error) std::rethrow_exception(job->picture->error);
    tasks::Request request{.prompt = std::move(job->prompt),
                           .generation = std::move(job->generation),
                           .progress = std::move(job->progress),
                           .done = [this, job](const tasks::Ended& ended) { answer(job, ended); }};
    if (!job->picture) {
      job->batch_id = batch.add(tasks::new_sequence(*engine), std::move(request));
    } else if (job->picture->encoded) {
      job->batch_id = batch.add(tasks::continue_image(*engine, *job->picture->encoded), std::move(request));
    } else {
      job->batch_id = batch.add(job->picture->job, std::move(request));
    }
  } catch (...) {
    end(job, {.kind = Kind::kError, .error = public_error(std::current_exception())});
  }
}

void Scheduler::Impl::take_step() {
  try {
    batch.step();
  } catch (...) {
    // Memory ran out between the requests: whose fault it was nobody knows.
    const std::exception_ptr error = public_error(std::current_exception());
    std::vector<JobPtr> all;
    {
      const std::lock_guard guard(mutex);
      for (const auto& [id, job] : running) all.push_back(job);
    }
    for (const JobPtr& job : all) {
      batch.cancel(job->batch_id);
      end(job, {.kind = Kind::kError, .error = error});
    }
  }
}

void Scheduler::Impl::answer(const JobPtr& job, const tasks::Ended& ended) {
  Outcome out;
  out.cached = job->cached;
  SharedPicture* picture = job->picture.get();
  if (picture != nullptr && picture->job) {
    const auto result = picture->job->result();
    // A callback's errors are in `thrown`, so this one is the picture's own.
    if (ended.error && !result) picture->error = ended.error;
    if (result && !job->cached) out.encode_ms = result->encode_ms + result->prefill_ms;
  }
  if (job->thrown || ended.error) {
    out.kind = Kind::kError;
    out.error = job->thrown ? job->thrown : public_error(ended.error);
  } else {
    job->read(ended, out);
  }
  end(job, std::move(out));
}

// Once for every request. Its place is free before it is told, so that it may come again at once.
void Scheduler::Impl::end(const JobPtr& job, Outcome outcome) {
  const TimePoint time = now();
  {
    const std::lock_guard guard(mutex);
    running.erase(job->id);
    if (std::exchange(job->told, true)) return;
    if (job->cancelled && outcome.kind != Kind::kCancelled) outcome = without_answer(Kind::kCancelled);
    outcome.queue_ms = ms_between(job->submitted, job->started.value_or(time));
    switch (outcome.kind) {
      case Kind::kAnswer: {
        ++counts.processed;
        const double service = ms_between(*job->started, time);
        const double weight = counts.processed == 1 ? 1 : kNewest;
        counts.mean_service_ms += weight * (service - counts.mean_service_ms);
        break;
      }
      case Kind::kError:
        ++counts.failed;
        break;
      case Kind::kDeadline:
        ++counts.timed_out;
        break;
      default:
        ++counts.cancelled;
    }
  }
  if (!job->on_end) return;
  try {
    job->on_end(std::move(outcome));
  } catch (...) {
    // It was the last that its owner hears of this request: there is nobody to tell.
  }
}

// --- The public face ---------------------------------------------------------------------------------------

Scheduler::Scheduler(const Model& model, const SchedulerOptions& options)
    : impl_(std::make_unique<Impl>(model.impl().engine, options)) {
  impl_->worker = std::thread([impl = impl_.get()] { impl->work(); });
}

Scheduler::~Scheduler() {
  impl_->stop(std::chrono::milliseconds{0});
  impl_->worker.join();
}

Scheduler::Id Scheduler::submit(TaskRequest request, const Image& image) {
  return tasks::or_exhausted([&] { return impl_->submit(std::move(request), &image); });
}

Scheduler::Id Scheduler::submit(TaskRequest request) {
  return tasks::or_exhausted([&] { return impl_->submit(std::move(request), nullptr); });
}

bool Scheduler::cancel(Id id) {
  return impl_->cancel(id);
}

void Scheduler::stop(std::chrono::milliseconds drain) {
  impl_->stop(drain);
}

SchedulerStats Scheduler::stats() const {
  return impl_->stats();
}

}  // namespace moonbeam
