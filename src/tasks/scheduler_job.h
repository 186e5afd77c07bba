// A request on its way through the scheduler: what the engine is to do for it, and how its answer is read.
#pragma once

#include <moonbeam/scheduler.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tasks/batch.h"

namespace moonbeam::tasks {

using TimePoint = std::chrono::steady_clock::time_point;

/// Shared by all requests about the same pixels.
struct SharedPicture {
  std::shared_ptr<PictureJob> job;                    ///< that makes it, if it was not in the cache
  std::shared_ptr<const EncodedImage::Impl> encoded;  ///< if it was
  std::exception_ptr error = {};                      ///< why the job was given up; the worker's own
};

struct Job {
  Scheduler::Id id = 0;
  std::string client;
  TimePoint deadline, submitted;
  std::optional<TimePoint> started;
  std::function<void(Outcome)> on_end;
  std::shared_ptr<SharedPicture> picture;  ///< none for a question without one
  bool cached = false;
  /// By its client, in work. Written with the scheduler's mutex, read by callbacks without it.
  std::atomic<bool> cancelled{false};
  bool told = false;  ///< of its end

  // What Batch is given; its callbacks keep what they throw in `thrown`.
  std::vector<Token> prompt;
  std::unique_ptr<Generation> generation;
  ProgressFn progress;
  std::exception_ptr thrown;
  /// Reads the generation, which Batch owns then, when it has ended.
  std::function<void(const Ended&, Outcome&)> read;
  Batch::Id batch_id = 0;
};

/// Everything but the picture. @throws Error kInvalidArgument, kUnsupported.
std::shared_ptr<Job> make_job(const Engine& engine, TaskRequest request, bool with_picture);

}  // namespace moonbeam::tasks
