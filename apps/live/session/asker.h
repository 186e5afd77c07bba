// The engine as a live session sees it: one question about one picture at a time, which can be taken back.
#pragma once

#include <moonbeam/image.h>
#include <moonbeam/scheduler.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "live/session/messages.h"
#include "live/session/task.h"

namespace moonbeam::live {

/// How a question ended.
struct End {
  enum class Kind { kAnswer, kCancelled, kError };
  Kind kind = Kind::kAnswer;
  /// With the times that the engine knows: not those of the picture's decoding and of the whole.
  Answer answer = {};
  std::string code = {}, message = {};  ///< kError
};

/// Called one at a time, on the engine's thread, where everybody waits for them.
struct AskCallbacks {
  std::function<void()> on_begin = {};        ///< once: there is work on it
  std::function<void()> on_first_token = {};  ///< once, texts before their first piece
  std::function<void(std::string_view)> on_text = {};
  std::function<void(End)> on_end = {};  ///< once, last
};

class Asker {
 public:
  using Id = std::uint64_t;
  virtual ~Asker() = default;

  /// `client` is whose turn it takes. Callbacks may come before this returns.
  /// @throws QueueFull; Error. No callback is called then.
  virtual Id ask(const Task& task, const Image& image, const std::string& client, AskCallbacks callbacks) = 0;
  virtual void cancel(Id id) = 0;

  struct Load {
    int queued = 0, running = 0;
  };
  virtual Load load() const = 0;
};

/// On the scheduler that the other routes share; both must outlive it. Answers are greedy, so that a scene
/// that stands still keeps its answer.
class SchedulerAsker : public Asker {
 public:
  /// @param timeout  of one question, the wait included; zero: none.
  /// @param delay    tests only: each question holds up the engine for so long.
  SchedulerAsker(Scheduler& scheduler, std::chrono::milliseconds timeout,
                 std::chrono::milliseconds delay = {})
      : scheduler_(scheduler), timeout_(timeout), delay_(delay) {}

  Id ask(const Task& task, const Image& image, const std::string& client, AskCallbacks callbacks) override;
  void cancel(Id id) override { scheduler_.cancel(id); }
  Load load() const override;

 private:
  Scheduler& scheduler_;
  const std::chrono::milliseconds timeout_, delay_;
};

}  // namespace moonbeam::live
