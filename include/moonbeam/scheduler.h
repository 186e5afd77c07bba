// Requests of many clients for one model: what a server stands on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <moonbeam/cache.h>
#include <moonbeam/error.h>
#include <moonbeam/image.h>
#include <moonbeam/model.h>
#include <moonbeam/types.h>

namespace moonbeam {

struct SchedulerOptions {
  int parallel = 8;                                  ///< requests in work at once, 1 to 16
  int max_queue = 10;                                ///< requests that wait beyond them, >= 0
  std::size_t image_cache = std::size_t{512} << 20;  ///< bytes, as ImageCache's budget
  /// What deadlines are compared with; called from any thread. std::chrono::steady_clock where empty.
  std::function<std::chrono::steady_clock::time_point()> now = {};
};

struct CaptionTask {
  CaptionOptions options = {};
};
struct QueryTask {
  std::string question;
  QueryOptions options = {};
};
struct DetectTask {
  std::string object;
  ObjectOptions options = {};  ///< `usage` is not looked at: the result has it
};
struct PointTask {
  std::string object;
  ObjectOptions options = {};  ///< as for DetectTask
};

struct DetectResult {
  std::vector<Box> objects;
  Usage usage;
};
struct PointResult {
  std::vector<Point> points;
  Usage usage;
};

/// How a request ended, and with what.
struct Outcome {
  enum class Kind {
    kAnswer,  ///< `result`; also what there was when a callback returned false
    kError,   ///< of the engine, or thrown by one of the request's callbacks
    kCancelled,
    kDeadline,
    kShutDown,  ///< stop() did not wait for it
  };
  Kind kind = Kind::kAnswer;
  /// Of the task that was asked for.
  std::variant<CaptionResult, QueryResult, DetectResult, PointResult> result = {};
  /// None with an answer. Error kCancelled for the last three kinds.
  std::exception_ptr error = {};
  bool cached = false;   ///< the picture was there, or on its way for somebody else
  double queue_ms = 0;   ///< before it was taken in work
  double encode_ms = 0;  ///< of the picture's encoder and prefix; 0 where it was cached
};

/// What is asked, by whom, until when. Callbacks, those in the task's options too, run one at a time on the
/// scheduler's thread, where everybody waits for them: they are to be short. They may submit, cancel and
/// stop. One that throws ends its own request.
struct TaskRequest {
  std::variant<CaptionTask, QueryTask, DetectTask, PointTask> task;
  std::string client = {};  ///< whose turn it takes: a key's name, an address
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  /// Called once for each request that submit() took, as the last of its callbacks; what it throws is lost.
  std::function<void(Outcome)> on_end = {};
};

/// Nobody else can wait. The code is kExhausted.
class QueueFull : public Error {
 public:
  QueueFull(const std::string& message, double retry_after_ms)
      : Error(ErrorCode::kExhausted, message), retry_after_ms_(retry_after_ms) {}
  /// When those who wait now will have been served, going by the mean time of service.
  double retry_after_ms() const noexcept { return retry_after_ms_; }

 private:
  double retry_after_ms_;
};

struct SchedulerStats {
  int queued = 0;
  int running = 0;
  std::uint64_t processed = 0;  ///< ended with an answer
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;  ///< by cancel() or stop()
  std::uint64_t timed_out = 0;
  std::uint64_t rejected = 0;  ///< the queue was full
  double mean_service_ms = 0;  ///< in work, of recent answers; 0 before the first
  ImageCacheStats images;
};

/// Runs requests of many clients in step, on one thread of its own (the model's pool helps). Each answer has
/// the bits that the Model's own call gives, whatever runs beside it. Clients take turns: one with a hundred
/// requests holds up another's single one by no more than those that are in work. Requests about the same
/// pixels share one EncodedImage, which is kept for later ones. All calls are safe from many threads.
class Scheduler {
 public:
  using Id = std::uint64_t;

  /// @throws Error kInvalidArgument (options out of range).
  explicit Scheduler(const Model& model, const SchedulerOptions& options = {});
  /// As stop() without a limit of time to drain. Not from a callback.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Puts a request into its client's queue. The picture is hashed and cut on the calling thread and not
  /// needed afterwards.
  /// @throws QueueFull; Error as Model's call for what can be told from the request alone (kInvalidArgument,
  ///         kUnsupported), kExhausted (memory), kCancelled (after stop()). on_end is then not called.
  Id submit(TaskRequest request, const Image& image);
  /// A query without a picture. @throws as above; kInvalidArgument for other tasks.
  Id submit(TaskRequest request);

  /// Ends a request that waits or runs, within a decode step or a layer of an encoder or prefill; it is told
  /// so, and none of its other callbacks is called any more, save one that runs now. False if it has ended.
  bool cancel(Id id);

  /// Takes no more requests, gives those that it has `drain` to end, ends the others and returns when all
  /// have been told. A second call may shorten the time. From a callback it returns at once.
  void stop(std::chrono::milliseconds drain = std::chrono::milliseconds{0});

  SchedulerStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moonbeam
